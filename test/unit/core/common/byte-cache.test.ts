import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createByteCache } from '../../../../src/core/common/byte-cache.ts';
import type { SlowCache } from '../../../../src/core/common/patient-slow-cache.ts';

/** A cache of texts whose length is their size. */
function textCache(maxBytes: number, slow?: SlowCache<string>) {
  const computed: string[] = [];
  const cache = createByteCache<string>({ maxBytes, sizeOf: (text) => text.length, ...(slow && { slow }) });
  const get = (key: string, value = key): Promise<string> =>
    cache.get(key, () => {
      computed.push(key);
      return Promise.resolve(value);
    });
  return { cache, get, computed };
}

/** A promise to be settled by hand. */
function pending<T>() {
  const settle: { resolve: (value: T) => void; reject: (error: Error) => void } = { resolve: () => undefined, reject: () => undefined };
  const promise = new Promise<T>((resolve, reject) => Object.assign(settle, { resolve, reject }));
  return { promise, ...settle };
}

describe('createByteCache', () => {
  test('computes a value once and keeps it', async () => {
    const { cache, get, computed } = textCache(10);
    expect([await get('aaa'), await get('aaa', 'other')]).toEqual(['aaa', 'aaa']);
    expect(computed).toEqual(['aaa']);
    expect(cache.bytes).toBe(3);
  });

  test('computes a value once for all who ask at the same time', async () => {
    const { cache } = textCache(10);
    const work = pending<string>();
    let calls = 0;
    const compute = (): Promise<string> => {
      calls++;
      return work.promise;
    };
    const asked = Array.from({ length: 20 }, () => cache.get('key', compute));
    work.resolve('value');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['value']));
    expect(calls).toBe(1);
    expect(cache.bytes).toBe(5);
  });

  test('works on different keys side by side', async () => {
    const { cache } = textCache(10);
    const [a, b] = [pending<string>(), pending<string>()];
    const asked = [cache.get('a', () => a.promise), cache.get('b', () => b.promise)] as const;
    b.resolve('second');
    expect(await asked[1]).toBe('second');
    a.resolve('1st');
    expect(await asked[0]).toBe('1st');
  });

  test('a failure reaches all who asked and is not kept', async () => {
    const { cache, get } = textCache(10);
    const work = pending<string>();
    const asked = [1, 2, 3].map(() => cache.get('key', () => work.promise));
    work.reject(new Error('no luck'));
    for (const result of await Promise.allSettled(asked))
      expect(result).toMatchObject({ status: 'rejected', reason: { message: 'no luck' } });
    expect(cache.bytes).toBe(0);
    expect(await get('key', 'fine')).toBe('fine');
    const throwing = (): Promise<string> => {
      throw new Error('at once');
    };
    await expect(cache.get('other', throwing)).rejects.toThrow('at once');
    expect(await get('other')).toBe('other');
  });

  test('drops what was used least recently', async () => {
    const { get, computed } = textCache(6);
    for (const key of ['aa', 'bb', 'cc', 'aa', 'dd']) await get(key); // dd takes the place of bb
    computed.length = 0;
    for (const key of ['aa', 'cc', 'dd']) await get(key);
    expect(computed).toEqual([]);
    await get('bb'); // aa, now the oldest, goes
    computed.length = 0;
    for (const key of ['cc', 'dd', 'bb']) await get(key);
    expect(computed).toEqual([]);
    await get('aa');
    expect(computed).toEqual(['aa']);
  });

  test('makes room for a large value by dropping several', async () => {
    const { cache, get, computed } = textCache(6);
    for (const key of ['aa', 'bb', 'cc']) await get(key);
    await get('ddddd');
    expect(cache.bytes).toBe(5);
    await get('cc');
    expect(computed.filter((key) => key === 'cc').length).toBe(2);
  });

  test('hands out a value larger than itself without keeping it, or dropping others for it', async () => {
    const { cache, get, computed } = textCache(4);
    await get('aa');
    expect(await get('large one')).toBe('large one');
    expect(cache.bytes).toBe(2);
    await get('large one');
    await get('aa');
    expect(computed).toEqual(['aa', 'large one', 'large one']);
    expect(await get('four')).toBe('four');
    expect(cache.bytes).toBe(4);
  });

  test('clear forgets all; what is under way still arrives', async () => {
    const { cache, get, computed } = textCache(10);
    await get('aa');
    const work = pending<string>();
    const asked = cache.get('slow', () => work.promise);
    cache.clear();
    expect(cache.bytes).toBe(0);
    work.resolve('done');
    expect(await asked).toBe('done');
    await get('aa');
    expect(computed).toEqual(['aa', 'aa']);
  });

  test('never holds more than its bytes, and answers right, whatever is asked in whatever order', async () => {
    const step = fc.record({ key: fc.nat(8), fails: fc.boolean(), wait: fc.boolean(), clear: fc.nat(20).map((n) => n === 0) });
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.array(step, { maxLength: 40 }), async (maxBytes, steps) => {
        const cache = createByteCache<string>({ maxBytes, sizeOf: (text) => text.length });
        const asked: Promise<unknown>[] = [];
        for (const { key, fails, wait, clear } of steps) {
          const value = 'x'.repeat(key);
          const response = cache.get(String(key), async () => {
            await Promise.resolve();
            if (fails) throw new Error('failed');
            return value;
          });
          asked.push(
            response.then((got) => expect(got).toBe(value)).catch((error: unknown) => expect(error).toMatchObject({ message: 'failed' })),
          );
          if (wait) await asked.at(-1);
          if (clear) cache.clear();
          expect(cache.bytes).toBeLessThanOrEqual(maxBytes);
          expect(cache.bytes).toBeGreaterThanOrEqual(0);
        }
        await Promise.all(asked);
        expect(cache.bytes).toBeLessThanOrEqual(maxBytes);
      }),
    );
  });
});

describe('with a slow cache behind it', () => {
  function memory(entries: [string, string][] = []) {
    const stored = new Map(entries);
    const slow: SlowCache<string> = {
      get: (key) => Promise.resolve(stored.get(key)),
      put: (key, value) => Promise.resolve(stored.set(key, value)).then(() => undefined),
    };
    return { stored, slow };
  }

  test('takes from it what it has, computes and stores what it has not', async () => {
    const { stored, slow } = memory([['aa', 'stored']]);
    const { cache, get, computed } = textCache(20, slow);
    expect(await get('aa')).toBe('stored');
    expect(await get('bb')).toBe('bb');
    expect(computed).toEqual(['bb']);
    expect(stored.get('bb')).toBe('bb');
    expect(cache.bytes).toBe(8);
  });

  test('finds there what was dropped from memory', async () => {
    const { get, computed } = textCache(2, memory().slow);
    await get('aa');
    await get('bb');
    await get('aa');
    expect(computed).toEqual(['aa', 'bb']);
  });

  test('asks it once for all who ask at the same time', async () => {
    let asked = 0;
    const slow: SlowCache<string> = { get: () => Promise.resolve(++asked).then(() => 'stored'), put: () => Promise.resolve() };
    const { get } = textCache(10, slow);
    await Promise.all([get('aa'), get('aa'), get('aa')]);
    expect(asked).toBe(1);
  });

  test('a failure of it counts as a miss, in both directions', async () => {
    const broken: SlowCache<string> = { get: () => Promise.reject(new Error('disk')), put: () => Promise.reject(new Error('full')) };
    const { cache, get, computed } = textCache(10, broken);
    expect(await get('aa')).toBe('aa');
    expect(await get('aa')).toBe('aa');
    expect(computed).toEqual(['aa']);
    expect(cache.bytes).toBe(2);
  });

  test('does not store what failed to compute', async () => {
    const { stored, slow } = memory();
    const { cache } = textCache(10, slow);
    await expect(cache.get('aa', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(stored.size).toBe(0);
  });
});

test('nobody waits for the slow cache to write, but written() does', async () => {
  let finish: () => void = () => undefined;
  const slow = { get: () => Promise.resolve(undefined), put: () => new Promise<void>((done) => (finish = done)) };
  const cache = createByteCache<number>({ maxBytes: 10, sizeOf: () => 1, slow });
  expect(await cache.get('a', () => Promise.resolve(7))).toBe(7);
  let written = false;
  const waiting = cache.written().then(() => (written = true));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(written).toBe(false);
  finish();
  await waiting;
  expect(written).toBe(true);
});

test('does without a slow cache that hangs, and asks it again once it answers', async () => {
  let response: (value: string | undefined) => void = () => undefined;
  const asked: string[] = [];
  const slow: SlowCache<string> = {
    get: (key) => {
      asked.push(key);
      return key === 'hangs' ? new Promise((resolve) => (response = resolve)) : Promise.resolve(`stored ${key}`);
    },
    put: () => Promise.resolve(),
  };
  const cache = createByteCache<string>({ maxBytes: 100, sizeOf: (text) => text.length, slow, slowMs: 40 });
  const compute = (value: string) => () => Promise.resolve(value);
  expect(await cache.get('hangs', compute('computed'))).toBe('computed');
  // Nobody waits for it a second time while it hangs.
  expect(await cache.get('other', compute('computed too'))).toBe('computed too');
  expect(asked).toEqual(['hangs']);
  await cache.written();
  response('late');
  await Promise.resolve();
  expect(await cache.get('third', compute('not needed'))).toBe('stored third');
});

test('keeps what comes after those who waited for it have given up, and lets one go without the others', async () => {
  const cache = createByteCache<string>({ maxBytes: 100, sizeOf: (text) => text.length, patienceMs: 40 });
  const work = pending<string>();
  await expect(cache.get('key', () => work.promise)).rejects.toThrow();
  work.resolve('late');
  await work.promise;
  expect(await cache.get('key', () => Promise.reject(new Error('not asked')))).toBe('late');
  const control = new AbortController();
  const [leaving, staying] = [pending<string>(), pending<string>()];
  const left = cache.get('shared', () => leaving.promise, { signal: control.signal });
  const stayed = cache.get('shared', () => staying.promise);
  control.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  leaving.resolve('both');
  expect(await stayed).toBe('both');
});
