/** Work with pauses ends as work without them, stops when told to, and leaves the event loop its turns. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pngFromMask } from '../../../../src/core/image/node/png.ts';
import { runStepsSync, runSteps, type Steps } from '../../../../src/core/mask/cooperative.ts';
import { polygonsFromMaskSync, polygonSteps } from '../../../../src/core/mask/polygon-groups.ts';
import { cocoRleFromMaskSync, cocoRleSteps } from '../../../../src/core/mask/rle.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { onThisMachine, watchBusy } from '../../../support/busy-watch.ts';
import { anyMask } from './any-mask.ts';

/** Twelve megapixels of wavy stripes with holes: long outlines, many runs. */
function largeMask(): BinaryMask {
  const [width, height] = [4000, 3000];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const stripe = Math.sin(x / 90 + 3 * Math.sin(y / 200)) > -0.3;
      const hole = x % 150 < 12 && y % 130 < 9;
      data[y * width + x] = stripe && !hole ? 1 : 0;
    }
  }
  return { data, width, height };
}

const LONGEST_MS = onThisMachine(50);
const ROUNDS = 10;

/** Longest stretch of work without a turn of the event loop, in ms of processor time. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  const busy = watchBusy();
  await new Promise((resume) => setTimeout(resume, 20)); // the first interval begins with the first tick
  busy.longestMs();
  await work();
  await new Promise((resume) => setTimeout(resume, 5));
  busy.stop();
  return busy.longestMs();
}

describe('runSteps', () => {
  it('gives what the same work at once gives', async () => {
    await fc.assert(
      fc.asyncProperty(anyMask(20), async (mask) => {
        expect(await runSteps(cocoRleSteps(mask))).toEqual(cocoRleFromMaskSync(mask));
        expect(await runSteps(polygonSteps(mask, { tolerance: 1 }))).toEqual(polygonsFromMaskSync(mask, { tolerance: 1 }));
      }),
      { numRuns: 50 },
    );
  });

  it('gives one slice a turn to all work together, in the order it asked', async () => {
    const order: string[] = [];
    function* slow(name: string): Steps<string> {
      for (let slice = 0; slice < 3; slice++) {
        order.push(name);
        const until = performance.now() + 10;
        while (performance.now() < until);
        yield;
      }
      return name;
    }
    let turns = 0;
    const turn = (): void => {
      turns++;
      if (order.length < 12) setImmediate(turn);
    };
    setImmediate(turn);
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((name) => runSteps(slow(name))))).toEqual(['a', 'b', 'c', 'd']);
    expect(order.join('')).toBe('abcdabcdabcd');
    expect(turns).toBeGreaterThanOrEqual(11);
  });

  it('lets others run in between and stops at an abort', async () => {
    let turns = 0;
    function* endless(): Steps<never> {
      for (;;) yield;
    }
    const controller = new AbortController();
    const timer = setInterval(() => {
      if (++turns === 3) controller.abort(new Error('enough'));
    }, 1);
    await expect(runSteps(endless(), controller.signal)).rejects.toThrow('enough');
    clearInterval(timer);
    expect(turns).toBe(3);
  });

  it('keeps the event loop free while a mask of twelve megapixels is written in any form', async () => {
    const mask = largeMask();
    const works: Record<string, () => Promise<unknown>> = {
      rle: () => runSteps(cocoRleSteps(mask)),
      polygon: () => runSteps(polygonSteps(mask, { tolerance: 1 })),
      png: () => pngFromMask(mask),
    };
    const times: Record<string, number> = {};
    for (const [form, work] of Object.entries(works)) {
      // Compiling and collecting garbage count, too: the best of some rounds is the work's own doing.
      for (let round = 0; round < ROUNDS && (times[form] ?? Infinity) >= LONGEST_MS; round++) {
        times[form] = Math.min(times[form] ?? Infinity, await longestBlock(work));
      }
    }
    const blocking = await longestBlock(() => Promise.resolve(polygonsFromMaskSync(mask, { tolerance: 1 })));
    expect(blocking, 'the measure sees a block').toBeGreaterThan(60);
    expect(runStepsSync(polygonSteps(mask, { tolerance: 1 })).some(({ holes }) => holes.length > 10)).toBe(true);
    for (const [form, time] of Object.entries(times)) expect(time, `${form} ${JSON.stringify(times)}`).toBeLessThan(LONGEST_MS);
  });
});
