/** Calls of the engine: refused, aborted, for many targets, with every form of image, and after it was closed. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { createEngine, pngFromMask, type Engine, type PixelImage, type PredictOptions, type Reference } from '../../../../src/index.ts';
import { codeOf, engineBench, reference, scenes, target } from './engine-bench.ts';

const bench = engineBench();

describe('calls', () => {
  it.each([
    ['no references', [], {}, 'REFERENCE_MISSING'],
    ['an unknown method', [reference(scenes[0])], { method: 'magic' as never }, 'OPTION_INVALID'],
    ['too many samples', [reference(scenes[0])], { samples: 1e9 }, 'OPTION_INVALID'],
    ['a mask of another size', [{ image: target.image, mask: { data: new Uint8Array(4), width: 2, height: 2 } }], {}, 'MASK_SIZE_MISMATCH'],
    ['an empty mask', [{ image: target.image, mask: { data: new Uint8Array(65536), width: 256, height: 256 } }], {}, 'MASK_EMPTY'],
    ['a URL of the network', [{ image: new URL('https://[::1]/x.png'), points: [[1, 1]] }], {}, 'OPTION_INVALID'],
    ['a missing file', [{ image: 'no-such-file.jpg', points: [[1, 1]] }], {}, 'FILE_NOT_FOUND'],
  ] as [string, Reference[], PredictOptions, string][])('refuse %s', async (_, references, options, code) => {
    expect(await codeOf(bench.engine.predict(target.image, references, options))).toBe(code);
  });

  it('leave the calling thread free', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const large = {
      data: new Uint8Array(3 * 2000 * 1500).map((_, i) => (i * 7919) % 251),
      width: 2000,
      height: 1500,
      channels: 3 as const,
    };
    await bench.engine.prepare(target.image);
    delay.enable();
    for (let i = 0; i < 3; i++)
      await bench.engine.predict({ ...large, data: large.data.map((value) => value ^ i) }, [reference(scenes[0])]);
    delay.disable();
    // Speed is for the benchmark to show; here a generous bound tells a blocked thread (hundreds of milliseconds) from a free one.
    expect(delay.percentile(90) / 1e6).toBeLessThan(50);
  });

  it('give up at once when aborted, and only the one that was', async () => {
    const abort = new AbortController();
    const fresh = (seed: number) => ({ ...target.image, data: target.image.data.map((value) => value ^ seed) });
    const given = bench.engine.predict(fresh(1), [reference(scenes[0])], { signal: abort.signal });
    const kept = bench.engine.predict(fresh(1), [reference(scenes[0])]);
    abort.abort();
    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
    expect((await kept).masks).toHaveLength(1);
    await expect(bench.engine.prepare(target.image, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('are refused once the engine is closed, and those under way still end', async () => {
    const own = await createEngine({ model: 'tiny' });
    const running = own.predict(target.image, [reference(scenes[0])]);
    const closing = own.close();
    expect((await running).masks).toHaveLength(1);
    await closing;
    expect(await codeOf(own.prepare(target.image))).toBe('ENGINE_CLOSED');
    await own.close();
  });
});

describe('many targets', () => {
  it('come back in their order, and one that cannot be read is an error of its own', async () => {
    const targets = [scenes[1].image, 'no-such-file.jpg', scenes[2].image];
    const results = [];
    for await (const result of bench.engine.predictMany(targets, [reference(scenes[0])], { method: 'nearest' })) results.push(result);
    expect(results.map(({ index, target: from, error }) => [index, from, error?.code])).toEqual([
      [0, targets[0], undefined],
      [1, targets[1], 'FILE_NOT_FOUND'],
      [2, targets[2], undefined],
    ]);
    const alone = await bench.engine.predict(targets[2] as PixelImage, [reference(scenes[0])], { method: 'nearest' });
    expect(results[2]?.prediction?.masks[0]?.mask.data).toEqual(alone.masks[0]?.mask.data);
  });

  it('share a concept, whose references are checked once', async () => {
    const cup = await bench.engine.concept([reference(scenes[0], 'cup'), reference(scenes[1], 'cup')], { method: 'nearest' });
    expect(cup.labels).toEqual(['cup']);
    const { masks } = await cup.predict(target.image);
    const same = await bench.engine.predict(target.image, [reference(scenes[0], 'cup'), reference(scenes[1], 'cup')], {
      method: 'nearest',
    });
    expect(masks).toEqual(same.masks);
    expect((await cup.mask(1)).mask).toEqual(scenes[1].truth);
    expect((await cup.selfCheck()).basis).toBe('leave-one-out');
    expect(await codeOf(bench.engine.concept([{ image: target.image, box: [0, 0, 999, 9] }]))).toBe('ANNOTATION_OUTSIDE');
  });
});

describe('images', () => {
  it('are taken in every form a page or a server has them in, and mean the same', async () => {
    const { data, width, height } = target.image;
    const png = await sharp(data, { raw: { width, height, channels: 3 } }).png().toBuffer(); // prettier-ignore
    const bytes = Uint8Array.from(png);
    const forms = [bytes, new Uint8ClampedArray(bytes), bytes.buffer, new Blob([bytes])];
    const keys = [];
    for (const form of forms) keys.push((await bench.engine.prepare(form)).key);
    expect(new Set(keys).size).toBe(1);
    const clamped = { data: new Uint8ClampedArray(data), width, height };
    expect((await bench.engine.prepare(clamped)).key).toBe((await bench.engine.prepare(target.image)).key);
    // A canvas's ImageData has getters instead of fields.
    class Canvas {
      get data() {
        return Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
          i % 4 === 3 ? 255 : (data[3 * (i >> 2) + (i % 4)] as number),
        );
      }
      get width() {
        return width;
      }
      get height() {
        return height;
      }
    }
    expect((await bench.engine.prepare(new Canvas())).key).toBe((await bench.engine.prepare(target.image)).key);
    const mask = new Blob([Uint8Array.from(await pngFromMask(target.truth))]);
    expect((await bench.engine.referenceMask({ image: new Blob([bytes]), mask })).mask).toEqual(target.truth);
  });

  it('of no known form are refused', async () => {
    expect(await codeOf(bench.engine.prepare(42 as never))).toBe('IMAGE_UNREADABLE');
  });
});

describe('createEngine', () => {
  it('closes with its block', async () => {
    let left: Engine;
    {
      await using own = await createEngine({ model: 'tiny', threads: 1, priority: 'low' });
      left = own;
      expect((await own.prepare(target.image)).width).toBe(256);
    }
    expect(await codeOf(left.prepare(target.image))).toBe('ENGINE_CLOSED');
  });

  it.each([
    ['a missing model', { model: 'no/such/model' }, 'MODEL_NOT_FOUND'],
    ['an unknown device', { device: 'abacus' as never }, 'OPTION_INVALID'],
    ['a device that is not there', { device: 'directml' as const }, 'DEVICE_UNAVAILABLE'],
    ['no threads', { threads: 0 }, 'OPTION_INVALID'],
    ['an unknown priority', { priority: 'high' as never }, 'OPTION_INVALID'],
  ])('refuses %s', async (_, options, code) => {
    const opened = createEngine(options).then(async (own) => {
      await own.prepare(target.image).finally(() => own.close());
    });
    expect(await codeOf(opened)).toBe(code);
  });
});
