/** Work on many targets in their order; most of it is tested with predictMany, which is made of it. */
import { describe, expect, it } from 'vitest';
import { mapInOrder } from '../../../../src/core/common/map-in-order.ts';

describe('mapInOrder', () => {
  it('goes on after whatever error of a target, thrown or rejected', async () => {
    const work = (target: string): Promise<string> => {
      if (target === 'b') throw new TypeError('at once');
      return target === 'c' ? Promise.reject(new Error('later')) : Promise.resolve(target.toUpperCase());
    };
    const found: unknown[] = [];
    for await (const { index, target, ...outcome } of mapInOrder(['a', 'b', 'c', 'd'], work, { concurrency: 2 }))
      found.push([index, target, 'result' in outcome ? outcome.result : String(outcome.error)]);
    expect(found).toEqual([
      [0, 'a', 'A'],
      [1, 'b', 'TypeError: at once'],
      [2, 'c', 'Error: later'],
      [3, 'd', 'D'],
    ]);
  });

  it('ends with an error of its source, and aborts what is under way', async () => {
    async function* source() {
      yield await Promise.resolve(1);
      throw new Error('source');
    }
    let stopped: AbortSignal | undefined;
    const work = (_: number, signal: AbortSignal): Promise<never> => {
      stopped = signal;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }));
    };
    await expect(mapInOrder(source(), work, { concurrency: 2 }).next()).rejects.toThrow('source');
    expect(stopped?.aborted).toBe(true);
  });
});
