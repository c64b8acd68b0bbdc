/** Many targets in their order, a few at once. */
import { describe, expect, it } from 'vitest';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { createConcept } from '../../../../src/core/engine/concept.ts';
import { predictMany } from '../../../../src/core/engine/predict-many.ts';
import type { Prediction, PredictOptions } from '../../../../src/core/engine/types.ts';
import { expectRejection } from '../expect-error.ts';

const prediction = (width: number) => ({ width }) as Prediction;
async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of results) found.push(one);
  return found;
}

/** A predictor whose calls end when the test says so. */
function held() {
  const open = new Map<
    number,
    { resolve: (value: Prediction) => void; reject: (reason: Error) => void; signal: AbortSignal | undefined }
  >();
  let most = 0;
  const predict = (target: number, { signal }: PredictOptions): Promise<Prediction> =>
    new Promise((resolve, reject) => {
      open.set(target, { resolve, reject, signal });
      most = Math.max(most, open.size);
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  const end = (target: number): void => {
    open.get(target)?.resolve(prediction(target));
    open.delete(target);
  };
  return { open, end, predict, most: () => most };
}

/** Turns of the event loop, enough for everything that is ready to happen. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('predictMany', () => {
  it('gives results in the order of the targets, with two under way, and reads the source no faster', async () => {
    const { open, end, predict, most } = held();
    let taken = 0;
    function* source() {
      for (let i = 0; i < 5; i++) {
        taken++;
        yield i;
      }
    }
    const results = predictMany(predict, source());
    const first = results.next();
    await settled();
    expect([...open.keys()]).toEqual([0, 1]);
    end(1);
    await settled();
    expect(taken).toBe(2); // the first one is still awaited
    end(0);
    expect((await first).value).toEqual({ index: 0, target: 0, prediction: prediction(0) });
    const rest = all(results);
    for (let i = 2; i < 5; i++) {
      await settled();
      end(i);
    }
    expect((await rest).map(({ index, prediction: found }) => [index, found?.width])).toEqual([[1, 1], [2, 2], [3, 3], [4, 4]]); // prettier-ignore
    expect(most()).toBe(2);
  });

  it('goes on after a target that fails, and ends for what concerns every target', async () => {
    const bad = new ProsamError('IMAGE_UNREADABLE', 'no image');
    const results = await all(
      predictMany((target: string) => (target === 'b' ? Promise.reject(bad) : Promise.resolve(prediction(1))), ['a', 'b', 'c']),
    );
    expect(results.map(({ target, error, prediction: found }) => [target, error?.code, found?.width])).toEqual([
      ['a', undefined, 1],
      ['b', 'IMAGE_UNREADABLE', undefined],
      ['c', undefined, 1],
    ]);
    for (const code of ['ENGINE_CLOSED', 'ANNOTATION_INVALID', 'REFERENCE_MISSING', 'OPTION_INVALID'] as const)
      await expectRejection(code, all(predictMany(() => Promise.reject(new ProsamError(code, 'no')), ['a', 'b'])));
    await expect(all(predictMany(() => Promise.reject(new TypeError('defect')), ['a']))).rejects.toThrow('defect');
  });

  it('yields what is ready while a slow source has nothing new', async () => {
    let more: ((value: IteratorResult<number>) => void) | undefined;
    let given = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => (given++ === 0 ? Promise.resolve({ value: 7, done: false }) : new Promise((resolve) => (more = resolve))),
      }),
    };
    const results = predictMany((target: number) => Promise.resolve(prediction(target)), source);
    expect((await results.next()).value).toMatchObject({ target: 7, prediction: { width: 7 } });
    const last = results.next();
    more?.({ value: undefined, done: true });
    expect((await last).done).toBe(true);
  });

  it('gives up what is under way when its consumer leaves, and closes the source', async () => {
    const { open, end, predict } = held();
    let closed = false;
    async function* source() {
      try {
        for (let i = 0; ; i++) yield await Promise.resolve(i);
      } finally {
        closed = true;
      }
    }
    const results = predictMany(predict, source(), { concurrency: 3 });
    const first = results.next();
    await settled();
    end(0);
    await first;
    const [, second] = [...open.values()];
    await results.return();
    expect(second?.signal?.aborted).toBe(true);
    expect(closed).toBe(true);
  });

  it('ends with the reason of its signal, also while it waits for the source', async () => {
    const stop = new AbortController();
    const never: AsyncIterable<number> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
    const results = predictMany(() => Promise.resolve(prediction(1)), never, { signal: stop.signal });
    const next = results.next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await expect(predictMany(() => Promise.resolve(prediction(1)), [1], { signal: stop.signal }).next()).rejects.toThrow('enough');
  });

  it('refuses a concurrency that is none, and a single target', async () => {
    const predict = () => Promise.resolve(prediction(1));
    for (const concurrency of [0, 1.5, 33, NaN])
      await expectRejection('OPTION_INVALID', predictMany(predict, [1], { concurrency }).next(), 'concurrency');
    await expectRejection('OPTION_INVALID', predictMany(predict, 'a.png' as never).next(), 'targets');
  });
});

describe('concept', () => {
  const calls: unknown[][] = [];
  const engine = {
    embedObject: (...args: unknown[]) => (calls.push(['embedObject', ...args]), Promise.resolve(new Float32Array(1))),
    predict: (...args: unknown[]) => (calls.push(['predict', ...args]), Promise.resolve(prediction(3))),
    selfCheck: (...args: unknown[]) => (calls.push(['selfCheck', ...args]), Promise.resolve({} as never)),
    fit: (...args: unknown[]) => (calls.push(['fit', ...args]), Promise.resolve({} as never)),
    referenceMask: (...args: unknown[]) => (calls.push(['referenceMask', ...args]), Promise.resolve({} as never)),
  };
  const references = [
    { image: 'a.png', box: [0, 0, 1, 1], label: 'cup' },
    { image: 'b.png', box: [0, 0, 1, 1] },
    { image: 'c.png', box: [0, 0, 1, 1], label: 'cup' },
  ];

  it('checks its references once, and asks with them and its options', async () => {
    const cup = await createConcept(engine, references, { method: 'nearest', seed: 1 });
    expect(calls.map(([name, reference]) => [name, reference])).toEqual(references.map((one) => ['embedObject', one]));
    expect(cup.labels).toEqual(['cup', 'object']);
    calls.length = 0;
    await cup.predict('t.png', { seed: 2 });
    expect((await all(cup.predictMany(['u.png']))).map(({ target }) => target)).toEqual(['u.png']);
    await cup.selfCheck();
    await cup.fit();
    await cup.mask(1);
    expect(calls).toMatchObject([
      ['predict', 't.png', references, { method: 'nearest', seed: 2 }],
      ['predict', 'u.png', references, { method: 'nearest', seed: 1 }],
      ['selfCheck', references, { method: 'nearest' }],
      ['fit', references, { method: 'nearest' }],
      ['referenceMask', references[1], { method: 'nearest' }],
    ]);
    await expectRejection('OPTION_INVALID', cup.mask(3), 'from 0 to 2');
    await expectRejection('REFERENCE_MISSING', createConcept(engine, []));
  });
});
