/** Tests of what a store does with runs, versions and the pointer to the one in service. */
import type { VersionRecord } from '../../service/ports/versions.ts';
import { alike, equal, ok, rejects } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

export function testRuns(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('runs and versions', () => {
    const { first, second } = openTwice(tests, make);
    const runs = () => first().store.runs;
    const versions = () => first().store.versions;
    let last = 0;
    const newId = () => `id-${++last}-${process.pid}`;
    const claim = (project: string, holder: string, nowMs = 1000) =>
      runs().claim(project, holder, { id: newId(), upTo: 7, leaseMs: 100, nowMs });
    const versionOf = (project: string, more: Partial<VersionRecord> = {}): Omit<VersionRecord, 'number'> => ({
      ...{
        id: newId(),
        project,
        runId: '',
        weights: hashOf('w'),
        baseModel: 'tiny',
        data: 'd',
        seed: 2 ** 40,
        code: '1.0.0',
        createdMs: 5,
      },
      ...{ outcome: 'promoted', reason: 'better', metrics: { miou: [0.5, 0.25] } },
      ...more,
    });
    /** Trains and promotes in one go. */
    const trained = async (project: string, more: Partial<VersionRecord> = {}): Promise<string> => {
      const run = await claim(project, 'trainer');
      const version = versionOf(project, {
        ...((await versions().state(project)).current !== undefined && { parent: (await versions().state(project)).current as string }),
        ...more,
      });
      equal(await runs().finish(run?.id ?? '', 'trainer', { state: version.outcome, reason: version.reason, version, nowMs: 2000 }), true);
      return version.id;
    };

    it('belong to one holder until the lease is over', async () => {
      const project = newProject();
      const run = await claim(project, 'a');
      alike(run, { project, state: 'running', holder: 'a', leaseUntilMs: 1100, upTo: 7, startedMs: 1000, attempts: 1 });
      equal(await claim(project, 'b', 1099), undefined);
      alike(await claim(project, 'a', 1099), { id: run?.id, leaseUntilMs: 1199, attempts: 2 });
      alike(await claim(project, 'b', 1200), { id: run?.id, holder: 'b', attempts: 3, upTo: 7 });
      equal((await runs().list({ project, limit: 10 })).length, 1);
    });

    it('are lost by a holder that another one took over from', async () => {
      const project = newProject();
      const run = await claim(project, 'a');
      const id = run?.id ?? '';
      equal(await runs().renew(id, 'a', { leaseMs: 100, nowMs: 1050, progress: { step: 3 } }), true);
      alike(await runs().get(id), { leaseUntilMs: 1150, progress: { step: 3 } });
      await claim(project, 'b', 1150);
      equal(await runs().renew(id, 'a', { leaseMs: 100, nowMs: 1160 }), false);
      await runs().release(id, 'a');
      equal(await runs().finish(id, 'a', { state: 'promoted', reason: 'late', version: versionOf(project), nowMs: 1170 }), false);
      equal(await versions().list({ project, limit: 5 }), []);
      equal(await runs().renew(id, 'b', { leaseMs: 100, nowMs: 1160 }), true);
      alike(await runs().get(id), { holder: 'b', progress: { step: 3 } });
    });

    it('go on at once when given back, and only one runs at a time, ever', async () => {
      const project = newProject();
      const run = await claim(project, 'a');
      await runs().release(run?.id ?? '', 'a');
      equal((await runs().get(run?.id ?? ''))?.holder, undefined);
      alike(await claim(project, 'b', 1001), { id: run?.id, attempts: 2 });
      equal(await runs().finish(run?.id ?? '', 'b', { state: 'failed', reason: 'no disk', nowMs: 1050 }), true);
      equal(await runs().finish(run?.id ?? '', 'b', { state: 'failed', reason: 'again', nowMs: 1060 }), false);
      const ended = await runs().get(run?.id ?? '');
      alike(ended, { state: 'failed', reason: 'no disk', endedMs: 1050 });
      equal(ended?.holder, undefined);
      const next = await claim(project, 'a', 1100);
      ok(next?.id !== run?.id);
      equal(
        (await runs().list({ project, limit: 1 })).map(({ id }) => id),
        [next?.id],
      );
      equal(await runs().get('nobody'), undefined);
    });

    it('are claimed by exactly one of many at once', async () => {
      const project = newProject();
      const both = [first(), second()];
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (both[i % 2] ?? first()).store.runs.claim(project, `holder${i}`, { id: newId(), upTo: 0, leaseMs: 1000, nowMs: 1 }),
        ),
      );
      equal(claims.filter((one) => one !== undefined).length, 1);
      equal((await runs().list({ project, limit: 50 })).length, 1);
      const id = claims.find((one) => one !== undefined)?.id ?? '';
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (both[i % 2] ?? first()).store.runs.claim(project, `later${i}`, { id: newId(), upTo: 0, leaseMs: 1000, nowMs: 5000 }),
        ),
      );
      alike(
        taken.filter((one) => one !== undefined),
        [{ id, attempts: 2 }],
      );
      const holder = taken.find((one) => one !== undefined)?.holder ?? '';
      const finished = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          (both[i % 2] ?? first()).store.runs.finish(id, holder, {
            state: 'promoted',
            reason: 'better',
            version: versionOf(project),
            nowMs: 6000,
          }),
        ),
      );
      equal(finished.filter(Boolean).length, 1);
      equal((await versions().list({ project, limit: 5 })).length, 1);
      equal((await versions().state(project)).revision, 1);
    });

    it('promote their version with the run, once', async () => {
      const project = newProject();
      const one = await trained(project);
      equal(await versions().state(project), { project, revision: 1, current: one });
      const two = await trained(project, { metrics: undefined });
      const rejected = await trained(project, { outcome: 'rejected', reason: 'worse' });
      equal(await versions().state(project), { project, revision: 2, current: two });
      equal(
        (await versions().list({ project, limit: 5 })).map(({ id, number, parent, outcome }) => [id, number, parent, outcome]),
        [
          [rejected, 3, two, 'rejected'],
          [two, 2, one, 'promoted'],
          [one, 1, undefined, 'promoted'],
        ],
      );
      const [newest] = await runs().list({ project, limit: 1 });
      ok(newest?.state === 'promoted' || newest?.state === 'rejected');
      alike(await versions().get(one), {
        seed: 2 ** 40,
        metrics: { miou: [0.5, 0.25] },
        runId: (value: string) => value.startsWith('id-'),
      });
      equal((await versions().get(two))?.metrics, undefined);
      equal(await versions().history(project, 10), [
        { project, from: one, to: two, reason: 'better', createdMs: 2000 },
        { project, to: one, reason: 'better', createdMs: 2000 },
      ]);
    });

    it('keep nothing of a version that learned from masks that were removed meanwhile', async () => {
      const { annotations } = first().store;
      const learn = async (meanwhile: (project: string) => Promise<unknown>) => {
        const project = newProject();
        const two = [maskOf('cup'), maskOf('jug')];
        await annotations.accept(recordOf(project, { masks: two }), []);
        await annotations.accept(recordOf(project, { externalId: 'two', image: imageOf(project, 'b'), masks: two }), []);
        const learnedFrom = (await annotations.masks(project, { limit: 10 })).map(({ id }) => id);
        const run = await claim(project, 'a');
        await meanwhile(project);
        const version = versionOf(project);
        const result = { state: 'promoted' as const, reason: 'better', version, learnedFrom, nowMs: 2000 };
        equal(await runs().finish(run?.id ?? '', 'a', result), true);
        const { current } = await versions().state(project);
        return { state: (await runs().get(run?.id ?? ''))?.state, stored: (await versions().list({ project, limit: 5 })).length, current };
      };
      const key = (project: string) => ({ project, source: 'webhook', externalId: 'one' });
      const discarded = { state: 'failed', stored: 0, current: undefined };
      equal(await learn((project) => annotations.remove(key(project))), discarded);
      equal(await learn((project) => annotations.withdraw(key(project), 1)), discarded);
      equal(await learn((project) => annotations.accept(recordOf(project, { revision: 2 }), [])), discarded);
      equal(
        await learn((project) => annotations.accept(recordOf(project, { revision: 2, provenance: 'rejected', masks: [] }), [])),
        discarded,
      );
      const corrected = (project: string) => recordOf(project, { revision: 2, masks: [maskOf('cup', 9), maskOf('jug', 8), maskOf('pan')] });
      alike(await learn((project) => annotations.accept(corrected(project), [])), { state: 'promoted', stored: 1 });
      alike(await learn((project) => annotations.accept(recordOf(project, { externalId: 'three' }), [])), { state: 'promoted', stored: 1 });
    });

    it('store a version as rejected whose parent is no longer in service', async () => {
      const project = newProject();
      const one = await trained(project);
      const run = await claim(project, 'slow');
      await versions().promote(project, undefined, 'by hand', 3000);
      const version = versionOf(project, { parent: one });
      equal(await runs().finish(run?.id ?? '', 'slow', { state: 'promoted', reason: 'better', version, nowMs: 4000 }), true);
      alike(await versions().get(version.id), {
        outcome: 'rejected',
        number: 2,
        reason: (value: string) => value.includes(one),
      });
      alike(await runs().get(run?.id ?? ''), { state: 'rejected', encoderVersion: version.id });
      equal((await versions().state(project)).current, undefined);
      alike(await versions().history(project, 1), [{ from: one, reason: 'by hand' }]);
    });

    it('move the pointer by hand, within the project only', async () => {
      const [project, other] = [newProject(), newProject()];
      const [one, two] = [await trained(project), await trained(project)];
      const foreign = await trained(other);
      equal(await versions().promote(project, one, 'back', 9), { project, revision: 3, current: one });
      equal(await versions().promote(project, one, 'again', 10), { project, revision: 3, current: one });
      equal((await versions().promote(project, undefined, 'own', 11)).current, undefined);
      equal(await versions().history(project, 2), [
        { project, from: one, reason: 'own', createdMs: 11 },
        { project, from: two, to: one, reason: 'back', createdMs: 9 },
      ]);
      await rejects('VERSION_NOT_FOUND', versions().promote(project, foreign, 'theirs', 12), foreign, project);
      await rejects('VERSION_NOT_FOUND', versions().promote(project, 'none', 'x', 12));
      equal((await versions().state(other)).current, foreign);
      alike(await versions().list({ project: other, limit: 9 }), [{ number: 1 }]);
    });

    it('know every project that was heard of', async () => {
      const [silent, annotated, running] = [newProject(), newProject(), newProject()];
      await first().store.annotations.accept(recordOf(annotated), []);
      await claim(running, 'a');
      equal(await versions().state(silent), { project: silent, revision: 0 });
      const names = (await versions().projects()).map(({ project }) => project);
      ok([annotated, running].every((name) => names.includes(name)));
      ok(!names.includes(silent));
      equal(names, [...names].sort());
    });
  });
}
