/** Tests of a queue. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Storage } from '../../service/ports/storage.ts';
import { equal, ok } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { openTwice, type StoragePlace } from './place.ts';
import { newProject, recordOf } from './records.ts';

/** Longer than any test takes. */
const NEVER_MS = 2 ** 31 - 1;

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await wait(10);
}

export function testQueue(tests: TestRunner, make: () => Promise<StoragePlace>): void {
  const { describe, it } = tests;
  describe('queue', () => {
    const { first, second } = openTwice(tests, make);
    let last = 0;
    const newName = () => `queue-${++last}`;
    const depthOf = async (name: string, storage: Storage = first()) => (await storage.queue.depth())[name] ?? 0;

    it('hands every message over once, with its data, in order', async () => {
      const name = newName();
      const got: unknown[] = [];
      for (const data of [{ a: 1 }, 'two', 3, null, [5]]) {
        await first().queue.send({ name, data });
        await wait(5);
      }
      equal(await depthOf(name), 5);
      const stop = await first().queue.work(name, (data) => Promise.resolve(void got.push(data)));
      await until(() => got.length === 5);
      await until(async () => (await depthOf(name)) === 0);
      equal(got, [{ a: 1 }, 'two', 3, null, [5]]);
      await stop();
      await first().queue.send({ name, data: 6 });
      await wait(400);
      equal(got.length, 5);
      equal(await depthOf(name), 1);
    });

    it('sends several at once, and text of every kind comes back as it was', async () => {
      const name = newName();
      const texts = ['\u0000', 'a\u0000b', '\ud800', '\udc00\ud800', '\\u0000', '\ud83d\ude00'];
      await first().queue.send(...texts.map((text) => ({ name, data: { text, [text]: [text] } })));
      await first().queue.send();
      equal(await depthOf(name), texts.length);
      const got: unknown[] = [];
      const stop = await second().queue.work(name, (data) => Promise.resolve(void got.push(data)));
      await until(() => got.length === texts.length);
      await stop();
      const sorted = (all: readonly unknown[]) => all.map((one) => JSON.stringify(one)).sort();
      equal(sorted(got), sorted(texts.map((text) => ({ text, [text]: [text] }))));
    });

    it('takes two waiting messages of one name and key for one, but not while one is handled', async () => {
      const [name, other] = [newName(), newName()];
      await first().queue.send({ name, key: 'k', data: 1 });
      await second().queue.send({ name, key: 'k', data: 2 });
      await first().queue.send({ name, key: 'l', data: 3 });
      await first().queue.send({ name: other, key: 'k', data: 4 });
      await first().queue.send({ name, data: 5 });
      await first().queue.send({ name, data: 5 });
      equal([await depthOf(name), await depthOf(other)], [4, 1]);
      let finish: (() => void) | undefined;
      const got: unknown[] = [];
      const stop = await first().queue.work(name, (data) => {
        got.push(data);
        return got.length === 1 ? new Promise<void>((resolve) => (finish = resolve)) : Promise.resolve();
      });
      await until(() => finish !== undefined);
      await second().queue.send({ name, key: 'k', data: 'again' });
      equal(await depthOf(name), 5);
      finish?.();
      await until(() => got.length === 5);
      equal(got[0], 1);
      ok(got.includes('again'));
      await stop();
    });

    it('hands what comes later to workers that wait already, of the same process and of others', async () => {
      const name = newName();
      const got: unknown[] = [];
      const stop = await first().queue.work(name, (data) => Promise.resolve(void got.push(data)));
      for (const [i, { queue }] of [first(), first(), second(), second()].entries()) {
        await queue.send({ name, data: i });
        await until(() => got.length === i + 1);
      }
      equal(got, [0, 1, 2, 3]);
      await stop();
    });

    it('wakes a worker that waits, long before it would look again', async () => {
      const [name, place] = [newName(), await make()];
      const opened: Storage[] = [];
      try {
        for (let i = 0; i < 2; i++) opened.push(await place.open({ pollMs: NEVER_MS }));
        const [waiting] = opened as [Storage, Storage];
        const senders = place.wakesOthers === true ? opened : [waiting];
        const got: unknown[] = [];
        let heard = (): void => undefined;
        const stop = await waiting.queue.work(name, (data) => {
          got.push(data);
          heard();
          return Promise.resolve();
        });
        for (let i = 0; i < 6; i++) {
          await wait(50); // time to find nothing and go to sleep; without it the next look might find the message
          const handed = new Promise<void>((resolve) => (heard = resolve));
          await (senders[i % senders.length] as Storage).queue.send({ name, data: i });
          await handed;
        }
        equal(got, [0, 1, 2, 3, 4, 5]);
        await stop();
      } finally {
        for (const storage of opened) await storage.close();
        await place.remove();
      }
    });

    it('waits as long as it was told to', async () => {
      const name = newName();
      let at = 0;
      const stop = await first().queue.work(name, () => Promise.resolve(void (at = Date.now())));
      const sent = Date.now();
      await first().queue.send({ name, data: 1, delayMs: 700 });
      await until(() => at > 0);
      ok(at - sent >= 690);
      await stop();
    });

    it('hands a failed message over again, a little later, and gives up after its attempts', async () => {
      const name = newName();
      const at: number[] = [];
      const attempts: number[] = [];
      const stop = await first().queue.work(name, (_, { attempt }) => {
        attempts.push(attempt);
        at.push(Date.now());
        return Promise.reject(new Error('no'));
      }, { attempts: 2 }); // prettier-ignore
      await first().queue.send({ name, data: 1, key: 'k' });
      await until(() => at.length === 2);
      ok((at[1] ?? 0) - (at[0] ?? 0) > 400);
      await until(async () => (await depthOf(name)) === 0);
      await wait(500);
      equal(at.length, 2);
      equal(attempts, [1, 2]);
      await stop();
      await first().queue.send({ name, data: 2, key: 'k' });
      equal(await depthOf(name), 1);
    });

    it('hands a message over to somebody else when its worker does not come to an end', async () => {
      const name = newName();
      const got: string[] = [];
      let finish: (() => void) | undefined;
      const stopFirst = await first().queue.work(name, () => new Promise<void>((resolve) => (finish = resolve)), { visibleAfterMs: 1000 });
      const sent = Date.now();
      await first().queue.send({ name, data: 1 });
      await until(() => finish !== undefined);
      const stopSecond = await second().queue.work(name, () => Promise.resolve(void got.push('second')), { visibleAfterMs: 1000 });
      await until(() => got.length === 1);
      ok(Date.now() - sent >= 990);
      await until(async () => (await depthOf(name)) === 0);
      // The first one is late: its end changes nothing any more.
      finish?.();
      await Promise.all([stopFirst(), stopSecond()]);
      equal(await depthOf(name), 0);
    });

    it('lets nobody end a message that somebody else has by now', async () => {
      const name = newName();
      const ends: (() => void)[] = [];
      const hold = (): Promise<void> => new Promise<void>((resolve) => ends.push(resolve));
      const stopFirst = await first().queue.work(name, hold, { visibleAfterMs: 1000 });
      await first().queue.send({ name, data: 1 });
      await until(() => ends.length === 1);
      const stopSecond = await second().queue.work(name, hold, { visibleAfterMs: 60_000 });
      await until(() => ends.length === 2);
      ends[0]?.();
      await stopFirst();
      equal(await depthOf(name), 1);
      ends[1]?.();
      await until(async () => (await depthOf(name)) === 0);
      await stopSecond();
    });

    it('gives up a message that nobody ever ends', async () => {
      const name = newName();
      let taken = 0;
      const stops = await Promise.all([first(), second()].map(({ queue }) => queue.work(name, async (_, { signal }) => {
        taken++;
        await wait(3_600_000, undefined, { signal }).catch(() => undefined);
      }, { visibleAfterMs: 1000, attempts: 2, concurrency: 5 }))); // prettier-ignore
      await first().queue.send({ name, data: 1 });
      await until(async () => taken === 2 && (await depthOf(name)) === 0);
      await Promise.all(stops.map((stop) => stop()));
      equal(taken, 2);
    }, 120_000);

    it('tells handlers to stop and has their messages handled again, uncounted', async () => {
      const name = newName();
      let [begun, told] = [false, false];
      const stop = await first().queue.work(name, async (_, { signal }) => {
        begun = true;
        await wait(3_600_000, undefined, { signal }).catch((error: unknown) => {
          told = true;
          throw error;
        });
      }, { attempts: 1 }); // prettier-ignore
      await first().queue.send({ name, data: 'kept' });
      await until(() => begun);
      await stop();
      equal(told, true);
      equal(await depthOf(name), 1);
      const got: unknown[] = [];
      const again = await second().queue.work(name, (data) => Promise.resolve(void got.push(data)), { attempts: 1 });
      await until(() => got.length === 1);
      await again();
      equal(got, ['kept']);
    });

    it('handles as many at once as asked for', async () => {
      const name = newName();
      let [running, most, done] = [0, 0, 0];
      const stop = await first().queue.work(name, async () => {
        most = Math.max(most, ++running);
        await until(() => most >= 3);
        await wait(20); // for a fourth one to come, where nothing keeps it
        running--;
        done++;
      }, { concurrency: 3 }); // prettier-ignore
      await Promise.all(Array.from({ length: 9 }, (_, data) => first().queue.send({ name, data })));
      await until(() => done === 9);
      equal(most, 3);
      await stop();
    });

    it('never hands one message to two workers', async () => {
      const name = newName();
      const got: number[] = [];
      const stops = await Promise.all(
        [first(), second()].map(({ queue }) => queue.work(name, async (data) => {
          await wait(1);
          got.push(data as number);
        }, { concurrency: 4 })), // prettier-ignore
      );
      await Promise.all(Array.from({ length: 200 }, (_, data) => (data % 2 ? first() : second()).queue.send({ name, data })));
      await until(async () => got.length >= 200 && (await depthOf(name)) === 0);
      await Promise.all(stops.map((stop) => stop()));
      equal(
        got.sort((one, other) => one - other),
        Array.from({ length: 200 }, (_, i) => i),
      );
    });

    it('sends nothing with a change that was refused', async () => {
      const [name, project] = [newName(), newProject()];
      await first().store.annotations.accept(recordOf(project), []);
      await first()
        .store.annotations.accept(recordOf(project, { provenance: 'edited' }), [{ name, data: 1 }])
        .catch(() => undefined);
      equal(await depthOf(name), 0);
    });
  });
}
