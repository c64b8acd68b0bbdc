/** Threads by measurement, with products that take a given time, and once with real ones. */
import { describe, expect, it } from 'vitest';
import { openModel } from '../../../../../src/core/checkpoint/model-folder.ts';
import { chooseThreads, fastestThreads, type Product } from '../../../../../src/core/runtime/node/choose-threads.ts';

/** The first run of each is slow, as it is in truth. */
function products(times: Readonly<Record<number, number>>) {
  const asked: number[] = [];
  let open = 0;
  return {
    asked,
    stillOpen: () => open,
    open: (threads: number): Promise<Product> => {
      asked.push(threads);
      open++;
      let runs = 0;
      return Promise.resolve({
        run: () => Promise.resolve(runs++ === 0 ? 1000 : (times[threads] as number)),
        close: () => {
          open--;
          return Promise.resolve();
        },
      });
    },
  };
}

describe('threads', () => {
  it('are one for each core where that is fastest', async () => {
    const { open, asked, stillOpen } = products({ 16: 10, 8: 18, 4: 35 });
    expect(await fastestThreads({ cores: 16, open })).toBe(16);
    expect(asked).toEqual([16, 8, 4]);
    expect(stillOpen()).toBe(0);
  });

  it('are fewer where cores share their units', async () => {
    expect(await fastestThreads({ cores: 16, open: products({ 16: 14, 8: 10, 4: 20 }).open })).toBe(8);
    expect(await fastestThreads({ cores: 64, open: products({ 64: 30, 32: 20, 16: 10 }).open })).toBe(16);
  });

  it('stay as many as cores where fewer are hardly faster: that may be chance', async () => {
    expect(await fastestThreads({ cores: 2, open: products({ 2: 10, 1: 9.5 }).open })).toBe(2);
  });

  it('need no measurement on one core', async () => {
    const { open, asked } = products({});
    expect(await fastestThreads({ cores: 1, open })).toBe(1);
    expect(asked).toEqual([]);
  });

  it('are what the caller says, and the default for a small model', async () => {
    const tiny = await openModel('models/tiny');
    expect(await chooseThreads(3, tiny)).toEqual({ count: 3, by: 'caller' });
    expect(await chooseThreads('auto', tiny)).toEqual({ count: 0, by: 'default' });
  });

  it('are measured for a large one', async () => {
    const { sam } = await openModel('models/tiny');
    const big = {
      dtype: 'F32',
      shape: [1],
      byteLength: 2 ** 27,
      parts: [{ file: 'big', offset: 0, byteLength: 2 ** 27, shape: [1] }],
    } as const;
    const chosen = await chooseThreads('auto', { sam: { ...sam, tensors: new Map([['big', big]]) } });
    expect(chosen.by).toBe('measurement');
    expect(chosen.count).toBeGreaterThanOrEqual(1);
  });
});
