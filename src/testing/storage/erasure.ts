/** Tests of what a store erases with an image. */
import { alike, equal, ok } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

export function testErasure(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('an erased image', () => {
    const { first, second } = openTwice(tests, make);
    const images = () => first().store.images;
    const annotations = () => first().store.annotations;
    const nowMs = 1_700_000_000_000;
    const predictionOf = (project: string, name: string) => ({
      ...{ project, sha256: hashOf(name), version: 'v', createdMs: 1 },
      masks: [{ ...maskOf('cup'), score: 0.5, uncertainty: 0.5, method: 'prosam' }],
    });

    it('leaves nothing of itself, and all of others', async () => {
      const project = newProject();
      const other = newProject();
      for (const one of [project, other]) {
        await annotations().accept(recordOf(one), []);
        await annotations().accept(recordOf(one, { revision: 2, masks: [maskOf('cup', 5), maskOf('plate')] }), []);
        await annotations().accept(recordOf(one, { externalId: 'two', provenance: 'absent', masks: [], absent: ['fork'] }), []);
        await annotations().accept(recordOf(one, { externalId: 'three', image: imageOf(one, 'b') }), []);
        await images().predicted([predictionOf(one, 'a'), predictionOf(one, 'b')], 10);
      }
      const { revision } = await first().store.versions.state(project);
      equal(await images().erase(project, hashOf('a'), nowMs), { annotations: 3, predictions: 1, results: 0, versions: [] });
      const { store } = second();
      equal(await store.images.get(project, hashOf('a')), undefined);
      equal(
        (await store.annotations.list(project, { limit: 9 })).map(({ externalId }) => externalId),
        ['three'],
      );
      alike(await store.annotations.concepts(project), [{ label: 'cup', masks: 1 }]);
      equal(await store.annotations.absences(project, { limit: 9 }), []);
      equal(
        (await store.annotations.masks(project, { limit: 9 })).map(({ sha256 }) => sha256),
        [hashOf('b')],
      );
      equal(
        (await store.images.predictions({ project, limit: 9 })).map(({ sha256 }) => sha256),
        [hashOf('b')],
      );
      equal(await store.images.counts(project), { images: 1, annotated: 1, masks: 1 });
      ok((await store.versions.state(project)).revision > revision);
      equal(await store.images.isKnown(hashOf('a')), true);
      equal(await store.images.counts(other), { images: 2, annotated: 2, masks: 3 });
      // Again: there is nothing of it, and nothing changes.
      equal(await images().erase(project, hashOf('a'), nowMs), undefined);
      equal(await store.images.counts(project), { images: 1, annotated: 1, masks: 1 });
    });

    it('may come again, as if it had never been there', async () => {
      const project = newProject();
      await annotations().accept(recordOf(project, { masks: [maskOf('cup', 5)] }), []);
      await images().erase(project, hashOf('a'), nowMs);
      // A prediction that was on its way meets no image.
      await images().predicted([predictionOf(project, 'a')], 10);
      equal(await images().predictions({ project, limit: 9 }), []);
      equal(await annotations().accept(recordOf(project, { masks: [maskOf('cup', 7)] }), []), 'stored');
      equal(await images().counts(project), { images: 1, annotated: 1, masks: 1 });
    });

    it('takes its results of jobs and callbacks along', async () => {
      const project = newProject();
      const { batches, deliveries } = second().store;
      await images().add([imageOf(project, 'a'), imageOf(project, 'b')], 1);
      const [id, sent] = [`job-${project}`, `delivery-${project}`];
      const inputs = ['a', 'b', 'a'].map((name) => ({ sha256: hashOf(name) }));
      await batches.create({ id, project, createdMs: 1, request: {} }, inputs, { name: `job-${project}`, data: 1 });
      const result = (name: string) => ({ state: 'done' as const, result: { image: { sha256: hashOf(name) } }, nowMs: 1 });
      await batches.settle(id, 0, result('a'), []);
      await batches.settle(id, 1, result('b'), []);
      const body = { item: { image: { sha256: hashOf('a') } } };
      await deliveries.add({ id: sent, project, url: 'http://127.0.0.1:9/', body, createdMs: 1 }, { name: `send-${project}`, data: 1 });
      alike(await images().erase(project, hashOf('a'), nowMs), { results: 2 });
      const items = await batches.items(id, { limit: 9 });
      equal(items[0], { index: 0, input: undefined, state: 'done' });
      alike(items[1], { state: 'done', result: { image: { sha256: hashOf('b') } } });
      // It fails when its turn comes: the image is not there.
      alike(items[2], { state: 'waiting', input: { sha256: hashOf('a') } });
      alike(await deliveries.get(sent), { state: 'dead', lastError: 'the image was erased' });
      equal((await deliveries.get(sent))?.body, undefined);
    });

    it('names the versions that may have learned from it, and ends a run that does', async () => {
      const project = newProject();
      const { runs } = first().store;
      const times = { leaseMs: 60_000, nowMs };
      const versionOf = (name: string) => ({
        ...{ id: `v-${name}-${project}`, project, runId: 'r', weights: hashOf(name), baseModel: 'tiny', data: 'd', seed: 1, code: '0' },
        ...{ createdMs: 1, outcome: 'promoted' as const, reason: 'better', metrics: {} },
      });
      const upTo = async () => Math.max(...(await annotations().list(project, { limit: 9 })).map(({ sequence }) => sequence));
      const train = async (name: string, learnedFrom: number[] = []) => {
        const run = await runs.claim(project, 'me', { id: `${name}-${project}`, upTo: await upTo(), ...times });
        return async () =>
          runs.finish(run?.id ?? '', 'me', { state: 'promoted', reason: 'better', version: versionOf(name), learnedFrom, nowMs });
      };
      await annotations().accept(recordOf(project, { externalId: 'b', image: imageOf(project, 'b') }), []);
      await (
        await train('before')
      )();
      await annotations().accept(recordOf(project), []);
      const current = (await first().store.versions.state(project)).current;
      const run = await runs.claim(project, 'me', { id: `with-${project}`, upTo: await upTo(), ...times });
      const version = { ...versionOf('with'), ...(current !== undefined && { parent: current }) };
      await runs.finish(run?.id ?? '', 'me', { state: 'promoted', reason: 'better', version, nowMs });
      const ids = (await annotations().masks(project, { limit: 9 })).map(({ id }) => id);
      const finish = await train('meanwhile', ids);
      alike(await images().erase(project, hashOf('a'), nowMs), { versions: [version.id] });
      await finish();
      alike(await runs.get(`meanwhile-${project}`), { state: 'failed', reason: (text: string) => text.startsWith('1 of the 2 masks') });
    });

    it('is noted, until its bytes are gone and for those who kept some of it', async () => {
      const project = newProject();
      const { store } = second();
      await images().add([imageOf(project, 'a'), imageOf(project, 'noted')], 1);
      await images().erase(project, hashOf('noted'), nowMs);
      const mine = (all: { project: string }[]) => all.filter((one) => one.project === project);
      const [noted] = mine(await store.images.erasures({ unsettled: true, limit: 1000 }));
      alike(noted, { project, sha256: hashOf('noted'), erasedMs: nowMs });
      equal(await store.images.isKnown(hashOf('noted')), false);
      await store.images.settleErasure((noted as unknown as { id: number }).id);
      equal(mine(await images().erasures({ unsettled: true, limit: 1000 })), []);
      equal(mine(await images().erasures({ limit: 1000 })).length, 1);
    });

    it('is found by its name alone, and no other one', async () => {
      const project = newProject();
      const names = ['task 1', 'task 1: cup.png', 'task 12: cup.png', 'task 1;', 'Task 1: cup.png', 'task%: cup.png'];
      await images().add(
        names.map((externalId) => imageOf(project, externalId, { externalId })),
        1,
      );
      equal(await images().named(project, 'task 1'), ['task 1', 'task 1: cup.png'].map(hashOf).sort());
      equal(await images().named(project, 'task%'), [hashOf('task%: cup.png')]);
      equal(await images().named(newProject(), 'task 1'), []);
    });
  });
}
