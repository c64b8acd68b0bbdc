/** What every store must do with batches and deliveries. */
import { describe, expect, it } from 'vitest';
import { expectRejection } from '../unit/core/expect-error.ts';
import { newProject, openTwice, type Place } from './place.ts';

export function batchConformance(make: () => Promise<Place>): void {
  describe('batches and deliveries', () => {
    const { first, second } = openTwice(make);
    const batches = () => first().store.batches;
    const deliveries = () => first().store.deliveries;
    const depthOf = async (name: string) => (await first().queue.depth())[name] ?? 0;
    let last = 0;
    const newId = () => `batch-${++last}`;

    it('settle each item once and send their messages with the last one', async () => {
      const [id, project] = [newId(), newProject()];
      const [begun, ended] = [`begun-${id}`, `ended-${id}`];
      await batches().create({ id, project, createdMs: 5, request: { labels: ['cup'] } }, ['x', { y: 1 }, null], { name: begun, data: id });
      expect(await depthOf(begun)).toBe(1);
      expect(await batches().get(id)).toEqual({
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
      expect(await settle(1, 'done', 6)).toMatchObject({ done: 1, failed: 0 });
      expect(await settle(1, 'failed', 7)).toMatchObject({ done: 1, failed: 0 });
      expect(await settle(99, 'done', 7)).toMatchObject({ done: 1, failed: 0 });
      await settle(0, 'failed', 8);
      expect(await depthOf(ended)).toBe(0);
      expect(await settle(2, 'done', 9)).toMatchObject({ done: 2, failed: 1, endedMs: 9, cancelled: false });
      expect(await settle(2, 'done', 10)).toMatchObject({ endedMs: 9 });
      expect(await depthOf(ended)).toBe(1);
      expect(await batches().items(id, { limit: 10 })).toEqual([
        { index: 0, input: 'x', state: 'failed', result: { index: 0 } },
        { index: 1, input: { y: 1 }, state: 'done', result: { index: 1 } },
        { index: 2, input: null, state: 'done', result: { index: 2 } },
      ]);
      expect((await batches().items(id, { limit: 1, after: 0 })).map(({ index }) => index)).toEqual([1]);
      expect((await batches().items(id, { limit: 10, state: 'failed' })).map(({ index }) => index)).toEqual([0]);
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
      expect(await batches().get(id)).toMatchObject({ done: 20, failed: 0 });
      expect(await depthOf(`e-${id}`)).toBe(1);
    });

    it('give up what waits when cancelled', async () => {
      const [id, project] = [newId(), newProject()];
      await batches().create({ id, project, createdMs: 1, request: {} }, [1, 2, 3], { name: `b-${id}`, data: id });
      await batches().settle(id, 0, { state: 'done', result: 1, nowMs: 2 }, []);
      expect(await batches().cancel(id, 3)).toMatchObject({ done: 1, failed: 2, cancelled: true, endedMs: 3 });
      expect(await batches().settle(id, 1, { state: 'done', result: 1, nowMs: 4 }, [{ name: `e-${id}`, data: id }])).toMatchObject({
        done: 1,
        failed: 2,
        endedMs: 3,
      });
      expect(await depthOf(`e-${id}`)).toBe(0);
      expect((await batches().items(id, { limit: 9 })).map(({ state, result }) => [state, result])).toEqual([
        ['done', 1],
        ['failed', undefined],
        ['failed', undefined],
      ]);
      expect(await batches().cancel(id, 9)).toMatchObject({ endedMs: 3 });
      expect(await batches().cancel('none', 9)).toBeUndefined();
    });

    it('are refused where there is none', async () => {
      expect(await batches().get('none')).toBeUndefined();
      await expectRejection('BATCH_NOT_FOUND', batches().settle('none', 0, { state: 'done', result: 1, nowMs: 1 }, []), 'none');
      await expectRejection('DELIVERY_NOT_FOUND', deliveries().attempted('none', { state: 'dead' }, []), 'none');
      expect(await deliveries().get('none')).toBeUndefined();
    });

    it('hold many items', async () => {
      const [id, project] = [newId(), newProject()];
      await batches().create(
        { id, project, createdMs: 1, request: {} },
        Array.from({ length: 2500 }, (_, i) => ({ i })),
        { name: `b-${id}`, data: id },
      );
      expect(await batches().items(id, { after: 2497, limit: 1000 })).toMatchObject([{ index: 2498, input: { i: 2498 } }, { index: 2499 }]);
    });

    it('keep deliveries with their attempts, each with its message', async () => {
      const [id, project, other] = [newId(), newProject(), newProject()];
      const name = `deliver-${id}`;
      await deliveries().add({ id, project, url: 'https://example.com/x', body: { a: [1] }, createdMs: 5 }, { name, data: id });
      await deliveries().add({ id: `${id}b`, project: other, url: 'https://example.com/y', body: 1, createdMs: 6 }, { name, data: id });
      expect(await depthOf(name)).toBe(2);
      await deliveries().attempted(id, { state: 'waiting', lastError: 'refused' }, [{ name, data: id, delayMs: 60_000 }]);
      expect(await deliveries().get(id)).toEqual({
        id,
        project,
        url: 'https://example.com/x',
        body: { a: [1] },
        state: 'waiting',
        attempts: 1,
        createdMs: 5,
        lastError: 'refused',
      });
      expect(await depthOf(name)).toBe(3);
      await deliveries().attempted(id, { state: 'dead', lastError: 'gone' }, []);
      expect(await deliveries().list({ project, limit: 5 })).toMatchObject([{ id, state: 'dead', attempts: 2 }]);
      expect(await deliveries().list({ project, state: 'waiting', limit: 5 })).toEqual([]);
      expect((await deliveries().list({ state: 'waiting', limit: 1000 })).map((one) => one.id)).toContain(`${id}b`);
    });
  });
}
