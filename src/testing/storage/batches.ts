/** Tests of what a store does with batches and deliveries. */
import { alike, equal, ok, rejects } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { newProject } from './records.ts';

export function testBatches(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('batches and deliveries', () => {
    const { first, second } = openTwice(tests, make);
    const batches = () => first().store.batches;
    const deliveries = () => first().store.deliveries;
    const depthOf = async (name: string) => (await first().queue.depth())[name] ?? 0;
    let last = 0;
    const newId = () => `batch-${++last}`;

    it('settle each item once and send their messages with the last one', async () => {
      const [id, project] = [newId(), newProject()];
      const [begun, ended] = [`begun-${id}`, `ended-${id}`];
      await batches().create({ id, project, createdMs: 5, request: { labels: ['cup'] } }, ['x', { y: 1 }, null], { name: begun, data: id });
      equal(await depthOf(begun), 1);
      equal(await batches().get(id), {
        id,
        project,
        createdMs: 5,
        request: { labels: ['cup'] },
        total: 3,
        done: 0,
        failed: 0,
        cancelled: false,
      });
      const settle = (index: number, state: 'done' | 'failed', nowMs: number) =>
        batches().settle(id, index, { state, result: { index }, nowMs }, [{ name: ended, data: id }]);
      alike(await settle(1, 'done', 6), { done: 1, failed: 0 });
      alike(await settle(1, 'failed', 7), { done: 1, failed: 0 });
      alike(await settle(99, 'done', 7), { done: 1, failed: 0 });
      await settle(0, 'failed', 8);
      equal(await depthOf(ended), 0);
      alike(await settle(2, 'done', 9), { done: 2, failed: 1, endedMs: 9, cancelled: false });
      alike(await settle(2, 'done', 10), { endedMs: 9 });
      equal(await depthOf(ended), 1);
      equal(await batches().items(id, { limit: 10 }), [
        { index: 0, input: 'x', state: 'failed', result: { index: 0 } },
        { index: 1, input: { y: 1 }, state: 'done', result: { index: 1 } },
        { index: 2, input: null, state: 'done', result: { index: 2 } },
      ]);
      equal(
        (await batches().items(id, { limit: 1, after: 0 })).map(({ index }) => index),
        [1],
      );
      equal(
        (await batches().items(id, { limit: 10, state: 'failed' })).map(({ index }) => index),
        [0],
      );
    });

    it('end once when their last items settle at the same time', async () => {
      const [id, project] = [newId(), newProject()];
      await batches().create(
        { id, project, createdMs: 1, request: {} },
        Array.from({ length: 20 }, (_, i) => i),
        { name: `b-${id}`, data: id },
      );
      await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          (i % 2 ? first() : second()).store.batches.settle(id, i >> 1, { state: 'done', result: i, nowMs: i }, [
            { name: `e-${id}`, data: id },
          ]),
        ),
      );
      alike(await batches().get(id), { done: 20, failed: 0 });
      equal(await depthOf(`e-${id}`), 1);
    });

    it('give up what waits when cancelled', async () => {
      const [id, project] = [newId(), newProject()];
      await batches().create({ id, project, createdMs: 1, request: {} }, [1, 2, 3], { name: `b-${id}`, data: id });
      await batches().settle(id, 0, { state: 'done', result: 1, nowMs: 2 }, []);
      const cancelled = `c-${id}`;
      alike(await batches().cancel(id, 3, [{ name: cancelled, data: id }]), { done: 1, failed: 2, cancelled: true, endedMs: 3 });
      equal(await depthOf(cancelled), 1);
      alike(await batches().settle(id, 1, { state: 'done', result: 1, nowMs: 4 }, [{ name: `e-${id}`, data: id }]), {
        done: 1,
        failed: 2,
        endedMs: 3,
      });
      equal(await depthOf(`e-${id}`), 0);
      equal(
        (await batches().items(id, { limit: 9 })).map(({ state, result }) => [state, result]),
        [
          ['done', 1],
          ['failed', undefined],
          ['failed', undefined],
        ],
      );
      alike(await batches().cancel(id, 9, [{ name: cancelled, data: id }]), { endedMs: 3 });
      equal(await depthOf(cancelled), 1);
      equal(await batches().cancel('none', 9), undefined);
    });

    it('are refused where there is none', async () => {
      equal(await batches().get('none'), undefined);
      await rejects('BATCH_NOT_FOUND', batches().settle('none', 0, { state: 'done', result: 1, nowMs: 1 }, []), 'none');
      await rejects('DELIVERY_NOT_FOUND', deliveries().attempted('none', { state: 'dead' }, []), 'none');
      equal(await deliveries().get('none'), undefined);
    });

    it('hold many items', async () => {
      const [id, project] = [newId(), newProject()];
      await batches().create(
        { id, project, createdMs: 1, request: {} },
        Array.from({ length: 2500 }, (_, i) => ({ i })),
        { name: `b-${id}`, data: id },
      );
      alike(await batches().items(id, { after: 2497, limit: 1000 }), [{ index: 2498, input: { i: 2498 } }, { index: 2499 }]);
    });

    it('keep deliveries with their attempts, each with its message', async () => {
      const [id, project, other] = [newId(), newProject(), newProject()];
      const name = `deliver-${id}`;
      await deliveries().add({ id, project, url: 'https://example.com/x', body: { a: [1] }, createdMs: 5 }, { name, data: id });
      await deliveries().add({ id: `${id}b`, project: other, url: 'https://example.com/y', body: 1, createdMs: 6 }, { name, data: id });
      equal(await depthOf(name), 2);
      await deliveries().attempted(id, { state: 'waiting', lastError: 'refused' }, [{ name, data: id, delayMs: 60_000 }]);
      equal(await deliveries().get(id), {
        id,
        project,
        url: 'https://example.com/x',
        body: { a: [1] },
        state: 'waiting',
        attempts: 1,
        createdMs: 5,
        lastError: 'refused',
      });
      equal(await depthOf(name), 3);
      await deliveries().attempted(id, { state: 'dead', lastError: 'gone' }, []);
      alike(await deliveries().list({ project, limit: 5 }), [{ id, state: 'dead', attempts: 2 }]);
      equal(await deliveries().list({ project, state: 'waiting', limit: 5 }), []);
      ok((await deliveries().list({ state: 'waiting', limit: 1000 })).map((one) => one.id).includes(`${id}b`));
    });
  });
}
