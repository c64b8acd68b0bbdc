/** Tests of upkeep: what may go goes, and nothing else; leases have one holder. */
import type { Storage } from '../../service/ports/storage.ts';
import type { PrunedKind, PruneRules, UpkeepStore } from '../../service/ports/upkeep.ts';
import { MAX_LEASE_MS } from '../../service/ports/versions.ts';
import { equal, ok } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { hashOf, imageOf, maskOf, newProject, recordOf } from './records.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1_800_000_000_000;
const OLD_MS = NOW_MS - 100 * DAY_MS;
const before = NOW_MS - 30 * DAY_MS;
const HOLDERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const RULES: PruneRules = {
  nowMs: NOW_MS,
  beforeMs: { predictions: before, jobs: before, deliveries: before, runs: before, versions: before, images: before },
  keep: { runs: 2, versions: 2 },
};

export function testUpkeep(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('upkeep', () => {
    const places = openTwice(tests, make);
    const upkeepOf = (storage: Storage): UpkeepStore => {
      ok(storage.store.upkeep !== undefined, 'expected a store with upkeep, got one without');
      return storage.store.upkeep;
    };
    const upkeep = () => upkeepOf(places.first());
    const store = () => places.second().store;
    /** Removes a page at a time; what is counted before is what goes. */
    const prune = async (kind: PrunedKind, rules = RULES): Promise<number> => {
      const counted = await upkeep().prunable(kind, rules);
      let [rows, bytes] = [0, 0];
      for (;;) {
        const page = await upkeep().prune(kind, rules, 2);
        ok(page.rows <= 2);
        if (page.rows === 0) break;
        rows += page.rows;
        bytes += page.bytes;
      }
      equal({ rows: counted.rows, bytes: counted.bytes }, { rows, bytes });
      equal(await upkeep().prunable(kind, rules), { rows: 0, bytes: 0, ids: [] });
      return rows;
    };

    it('removes nothing of a kind without a time', async () => {
      const project = newProject();
      await predicted(store(), project, ['a'], OLD_MS);
      equal(await prune('predictions', { ...RULES, beforeMs: {} }), 0);
      equal((await store().images.predictions({ project, limit: 9 })).length, 1);
      await prune('predictions');
    });

    it('removes old predictions, and leaves new ones and every image', async () => {
      const project = newProject();
      await predicted(store(), project, ['a', 'b', 'c'], OLD_MS);
      await predicted(store(), project, ['d'], NOW_MS);
      equal(await prune('predictions'), 3);
      equal(
        (await store().images.predictions({ project, limit: 9 })).map(({ sha256 }) => sha256),
        [hashOf('d')],
      );
      equal((await store().images.counts(project)).images, 4);
    });

    it('removes jobs that ended long ago, with their items', async () => {
      const project = newProject();
      const job = (id: string, items: number, createdMs = OLD_MS) =>
        store().batches.create({ id: `${project}-${id}`, project, createdMs, request: {} }, Array(items).fill({ a: 1 }), {
          ...{ name: `upkeep-${project}`, data: id, key: id },
        });
      await job('under way', 2);
      await job('ended', 2);
      await store().batches.cancel(`${project}-ended`, OLD_MS);
      await job('empty', 0);
      await job('cancelled today', 1);
      await store().batches.cancel(`${project}-cancelled today`, NOW_MS);
      equal(await prune('jobs'), 2);
      for (const [id, there] of [
        ['under way', true],
        ['ended', false],
        ['empty', false],
        ['cancelled today', true],
      ] as const)
        // prettier-ignore
        equal((await store().batches.get(`${project}-${id}`)) !== undefined, there);
      equal(await store().batches.items(`${project}-ended`, { limit: 9 }), []);
      await store().batches.cancel(`${project}-under way`, NOW_MS);
    });

    it('removes deliveries that arrived or were given up, never those that wait', async () => {
      const project = newProject();
      for (const [id, state] of [
        ['waits', 'waiting'],
        ['arrived', 'delivered'],
        ['dead', 'dead'],
      ] as const) {
        // prettier-ignore
        const delivery = { id: `${project}-${id}`, project, url: 'https://callbacks.internal', body: { id }, createdMs: OLD_MS };
        await store().deliveries.add(delivery, { name: `upkeep-${project}`, data: id });
        await store().deliveries.attempted(delivery.id, { state }, []);
      }
      equal(await prune('deliveries'), 2);
      equal(
        (await store().deliveries.list({ project, limit: 9 })).map(({ id }) => id),
        [`${project}-waits`],
      );
    });

    it('removes old runs, but for the newest ones, one that runs and the newest that learned', async () => {
      const project = newProject();
      const run = async (id: string, state: 'rejected' | 'failed', upTo: number, nowMs: number): Promise<void> => {
        await store().runs.claim(project, 'h', { id: `${project}-${id}`, upTo, leaseMs: 1000, nowMs });
        await store().runs.finish(`${project}-${id}`, 'h', { state, reason: 'r', nowMs });
      };
      await run('1', 'rejected', 1, OLD_MS);
      await run('2', 'rejected', 7, OLD_MS + 1);
      for (let i = 3; i <= 7; i++) await run(`${i}`, 'failed', 9, OLD_MS + i);
      await store().runs.claim(project, 'h', { id: `${project}-now`, upTo: 9, leaseMs: 1000, nowMs: OLD_MS + 9 });
      equal(await prune('runs'), 5);
      const left = (await store().runs.list({ project, limit: 99 })).map(({ id }) => id.slice(project.length + 1));
      equal(left, ['now', '7', '2']);
    });

    it('removes old versions, but for the newest, those that were in service last, and the live one and its parent', async () => {
      const project = newProject();
      const version = (number: number, parent?: number) =>
        learned(store(), project, number, { weights: hashOf(`${project} ${number}`), ...(parent && { parent: `${project}-v${parent}` }) });
      const left = async () => (await store().versions.list({ project, limit: 99 })).map(({ number }) => number);
      await version(1);
      await version(2, 1);
      for (let i = 3; i <= 12; i++) await version(i);
      // In service in turn: 4 (long ago), 2, 5, 2, which is live; its parent is 1.
      for (const number of [4, 2, 5, 2]) await store().versions.promote(project, `${project}-v${number}`, 'r', OLD_MS);
      await store().runs.claim(project, 'h', { id: `${project}-now`, upTo: 0, leaseMs: 1000, nowMs: OLD_MS });
      equal(await prune('versions'), 0);
      await store().runs.finish(`${project}-now`, 'h', { state: 'failed', reason: 'r', nowMs: OLD_MS });
      equal(await prune('versions'), 7);
      equal(await left(), [12, 11, 5, 2, 1]);
      const [, six] = [hashOf(`${project} 12`), hashOf(`${project} 6`)];
      equal([...(await upkeep().pointedTo([hashOf(`${project} 12`), six]))], [hashOf(`${project} 12`)]);
      // The next one is numbered on.
      await version(13);
      equal((await left())[0], 13);
    });

    it('removes images nobody annotated, once rules name a time for them', async () => {
      // Those of other tests.
      await prune('images');
      const project = newProject();
      const names = ['a', 'b', 'annotated', 'deleted', 'predicted today', 'of the gate'].map((name) => `${project} ${name}`);
      const [a, b, annotated, deleted, today, gate] = names as [string, string, string, string, string, string];
      await store().images.add(
        names.map((name) => imageOf(project, name)),
        OLD_MS,
      );
      for (const name of [annotated, deleted])
        await store().annotations.accept(recordOf(project, { externalId: name, image: imageOf(project, name) }), []);
      await store().annotations.remove({ project, source: 'webhook', externalId: deleted });
      await predicted(store(), project, [a], OLD_MS);
      await predicted(store(), project, [today], NOW_MS);
      await store().images.assignSplit(project, [{ sha256: hashOf(gate), split: 'gate' }]);
      const message = { name: `upkeep-${project}`, data: 1, key: 'job' };
      await store().batches.create({ id: `${project}-job`, project, createdMs: NOW_MS, request: {} }, [{ sha256: hashOf(b) }], message);
      equal(await prune('images'), 0);
      await store().batches.cancel(`${project}-job`, NOW_MS);
      equal(await prune('images'), 2);
      for (const [name, there] of [
        [a, false],
        [b, false],
        [annotated, true],
        [deleted, true],
        [today, true],
        [gate, true],
      ] as const)
        // prettier-ignore
        equal((await store().images.get(project, hashOf(name))) !== undefined, there);
      equal((await store().images.counts(project)).images, 4);
      equal((await upkeep().pointedTo(names.map(hashOf))).size, 4);
    });

    it('removes images nobody annotated beyond the newest of their project, none of the last day', async () => {
      const project = newProject();
      const add = (name: string, createdMs: number) => store().images.add([imageOf(project, `${project} ${name}`)], createdMs);
      await add('oldest', OLD_MS);
      await add('old', OLD_MS + 1);
      await add('old, predicted today', OLD_MS);
      await predicted(store(), project, [`${project} old, predicted today`], NOW_MS);
      await add('annotated', OLD_MS);
      await store().annotations.accept(recordOf(project, { externalId: 'annotated', image: imageOf(project, `${project} annotated`) }), []);
      await add('new', NOW_MS);
      const bounded = (images: number): PruneRules => ({ ...RULES, beforeMs: {}, keep: { ...RULES.keep, images } });
      const there = async () => {
        const names = ['oldest', 'old', 'old, predicted today', 'annotated', 'new'];
        const rows = await Promise.all(names.map((name) => store().images.get(project, hashOf(`${project} ${name}`))));
        return names.filter((_, i) => rows[i] !== undefined);
      };
      await prune('images', bounded(2));
      equal(await there(), ['old', 'old, predicted today', 'annotated', 'new']);
      await prune('images', bounded(0));
      equal(await there(), ['old, predicted today', 'annotated', 'new']);
      equal((await store().images.counts(project)).images, 3);
    });

    it('removes signatures that count no more', async () => {
      await store().signatures.use('upkeep-over', { nowMs: 1, keepUntilMs: 5 });
      await store().signatures.use('upkeep-counts', { nowMs: 1, keepUntilMs: NOW_MS + 1 });
      equal(await prune('signatures'), 1);
      equal(await store().signatures.use('upkeep-counts', { nowMs: 1, keepUntilMs: 9 }), false);
    });

    it('gives a lease to one holder at a time, whichever process asks', async () => {
      const [one, other] = [upkeep(), upkeepOf(places.second())];
      const times = { nowMs: 1000, leaseMs: 500 };
      const taken = await Promise.all(HOLDERS.map((holder, i) => (i % 2 ? one : other).hold('lease/x', holder, times)));
      equal(taken.filter(Boolean).length, 1);
      const holder = HOLDERS[taken.indexOf(true)] as string;
      equal(await other.hold('lease/x', holder, { ...times, nowMs: 1400 }), true);
      equal(await one.hold('lease/x', 'z', { ...times, nowMs: 1800 }), false);
      equal(await one.held('lease/', 1800), ['lease/x']);
      equal(await one.held('leases', 1800), []);
      equal(await one.held('lease/', 1900), []);
      equal(await one.hold('lease/x', 'z', { ...times, nowMs: 1900 }), true);
      await one.release('lease/x', holder);
      equal(await one.held('lease/', 1900), ['lease/x']);
      await other.release('lease/x', 'z');
      equal(await one.held('lease/', 1900), []);
      // A clock that was ahead keeps nobody waiting.
      equal(await one.hold('lease/x', 'a', { nowMs: NOW_MS, leaseMs: 500 }), true);
      equal(await one.held('lease/', NOW_MS - 2 * MAX_LEASE_MS), []);
      equal(await one.hold('lease/x', 'b', { nowMs: NOW_MS - 2 * MAX_LEASE_MS, leaseMs: 500 }), true);
      await one.release('lease/x', 'b');
    });
  });
}

async function predicted({ images }: Storage['store'], project: string, names: readonly string[], createdMs: number): Promise<void> {
  await images.add(names.map((name) => imageOf(project, name)), createdMs); // prettier-ignore
  const masks = [{ ...maskOf('cup'), score: 1, uncertainty: 0.5, method: 'prosam' }];
  await images.predicted(names.map((name) => ({ project, sha256: hashOf(name), version: 'v', createdMs, masks })), 100); // prettier-ignore
}

/** A version that was not promoted, from a run of its own. */
async function learned(
  { runs }: Storage['store'],
  project: string,
  number: number,
  more: { weights: string; parent?: string },
): Promise<void> {
  const id = `${project}-r${number}`;
  await runs.claim(project, 'h', { id, upTo: number, leaseMs: 1000, nowMs: OLD_MS });
  const facts = { runId: id, baseModel: 'tiny', data: 'd', seed: 1, code: '1', createdMs: OLD_MS, metrics: {} };
  const version = { ...facts, ...more, id: `${project}-v${number}`, project, outcome: 'rejected' as const, reason: 'r' };
  await runs.finish(id, 'h', { state: 'rejected', reason: 'r', version, nowMs: OLD_MS });
}
