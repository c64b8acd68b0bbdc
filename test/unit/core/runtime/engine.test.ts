/** Predictions, self-checks and refinements as callers get them: from the worker, on the built-in model and generated scenes. */
import { describe, expect, it } from 'vitest';
import { createEngine, iou } from '../../../../src/index.ts';
import { STRATEGIES } from '../../../../src/core/engine/strategy.ts';
import { MODEL_METHODS } from '../../../../src/core/engine/types.ts';
import { codeOf, engineBench, reference, scenes, target } from './engine-bench.ts';

const bench = engineBench();
/** Its prompt encoder has no coarse mask. */
const OWN_METHODS = MODEL_METHODS.filter((method) => method !== 'coarse');
/** Those that the check on references tries. */
const CHECKED = OWN_METHODS.filter((method) => !['pieces', 'gf-sam', 'persam-paper', 'persam-f', 'matcher'].includes(method));
const { predictOne } = bench;

describe('predict', () => {
  it('says what it is', () => {
    expect(bench.engine.info).toMatchObject({ device: 'cpu', license: 'Apache-2.0', methods: OWN_METHODS, promptsPerReference: 50 });
    expect(bench.engine.info.model).toMatch(/^tiny@[0-9a-f]{12}$/);
    expect(bench.engine.info.input).toEqual({ side: 256, resize: 'stretch' });
  });

  it.each(OWN_METHODS)('finds the concept by %s better than marking everything does', async (method) => {
    const shares: number[] = [];
    const everything: number[] = [];
    for (const scene of scenes.slice(1)) {
      const { masks } = await bench.engine.predict(scene.image, [reference(scenes[0])], { method, threshold: 0 });
      shares.push(iou((masks[0] as { mask: { data: Uint8Array } }).mask.data, scene.truth.data));
      everything.push(iou(new Uint8Array(scene.truth.data.length).fill(1), scene.truth.data));
    }
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(shares)).toBeGreaterThan(1.5 * mean(everything));
  });

  it('says whether a cache had the features of the target', async () => {
    const own = await createEngine({ model: 'tiny' });
    const cached: boolean[] = [];
    for (const { image } of [scenes[1], scenes[1], scenes[2]])
      cached.push((await own.predict(image, [reference(scenes[0])], { method: 'nearest' })).cached);
    await own.close();
    expect(cached).toEqual([false, true, false]);
  });

  it('describes the mask consistently', async () => {
    const mask = await predictOne({ method: 'prosam', uncertaintyMap: true, instances: true, minInstanceShare: 0 });
    expect(mask.mask).toMatchObject({ width: 256, height: 256 });
    expect(mask.area).toBe(mask.mask.data.reduce((sum, value) => sum + value, 0));
    expect(mask.quality).toMatchObject({ samIou: expect.any(Number) as number, present: expect.any(Number) as number });
    expect(mask.quality.score).toBeGreaterThan(0.1);
    expect(mask.uncertaintyMap).toHaveLength(256 * 256);
    expect(mask.instances?.reduce((sum, { area }) => sum + area, 0)).toBe(mask.area);
    for (const { score } of mask.instances ?? []) expect(score).toBeGreaterThan(0.3);
    const [x0, y0, x1, y1] = mask.boxXyxy as [number, number, number, number];
    expect(x0 < x1 && y0 < y1 && x1 <= 256 && y1 <= 256).toBe(true);
  });

  it('is least sure along the outline', async () => {
    const { mask, uncertaintyMap = new Uint8Array() } = await predictOne({ method: 'prosam', uncertaintyMap: true });
    const edge: number[] = [];
    const rest: number[] = [];
    mask.data.forEach((value, i) => {
      const near = i % 256 > 0 && i % 256 < 255 && (mask.data[i - 1] !== value || mask.data[i + 1] !== value);
      (near ? edge : rest).push(uncertaintyMap[i] as number);
    });
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(edge)).toBeGreaterThan(2 * mean(rest));
  });

  it.each(STRATEGIES)('merges by %s, the same way for the same seed', async (strategy) => {
    const options = { method: 'prosam', strategy, samples: 6 } as const;
    const [a, b, other] = [await predictOne(options), await predictOne(options), await predictOne({ ...options, seed: 5 })];
    expect(a.mask.data).toEqual(b.mask.data);
    expect(a.quality).toEqual(b.quality);
    if (strategy === 'mean_prompt') expect(other.mask.data).toEqual(a.mask.data);
    expect(other.quality.score).not.toBe(a.quality.score);
  });

  it('orders the unions: max of binary masks covers every other merge', async () => {
    const masks = new Map<string, Uint8Array>();
    for (const strategy of STRATEGIES)
      masks.set(strategy, (await predictOne({ method: 'prosam', strategy, distribution: 'gaussian' })).mask.data);
    const area = (name: string): number => (masks.get(name) as Uint8Array).reduce((sum, value) => sum + value, 0);
    expect(area('max_binary')).toBeGreaterThan(area('mean_binary'));
    expect(area('mean_binary')).toBeGreaterThanOrEqual(area('majority_vote'));
    // At the square's own size both mark a pixel as soon as one sample does.
    expect(masks.get('max_logits')).toEqual(masks.get('max_binary'));
  });

  it('takes noise instead of a seed', async () => {
    const size = 50 * 64;
    const noise = { eps: new Float32Array(2 * size), delta: new Float32Array(2 * 50).fill(69) };
    const still = await predictOne({ method: 'prosam', strategy: 'mean_logits', noise });
    const mean = await predictOne({ method: 'prosam', samples: 0 });
    expect(still.mask.data).toEqual(mean.mask.data);
    const short = { eps: new Float32Array(7), delta: new Float32Array(1) };
    expect(await codeOf(predictOne({ method: 'prosam', noise: short }))).toBe('OPTION_INVALID');
  });

  it('is deterministic without samples: VRP-SAM', async () => {
    const a = await predictOne({ method: 'prosam', distribution: 'deterministic' });
    const b = await predictOne({ method: 'prosam', distribution: 'deterministic', seed: 9 });
    expect(a).toEqual(b);
  });

  it('uses several references and answers several concepts in one call', async () => {
    const one = await predictOne({ method: 'prosam' });
    const two = await predictOne({ method: 'prosam' }, [reference(scenes[0]), reference(scenes[1])]);
    expect(two.mask.data).not.toEqual(one.mask.data);
    const both = await bench.engine.predict(
      target.image,
      [reference(scenes[0], 'a'), reference(scenes[1], 'b'), reference(scenes[2], 'a')],
      {
        method: 'prosam',
      },
    );
    expect(both.masks.map(({ label }) => label)).toEqual(['a', 'b']);
    const alone = await bench.engine.predict(target.image, [reference(scenes[1])], { method: 'prosam' });
    expect(both.masks[1]?.mask.data).toEqual(alone.masks[0]?.mask.data);
  });

  it('reads a mark the same way whatever form it comes in', async () => {
    const box = [40, 50, 120, 140] as const;
    const ring = [[40, 50], [120, 50], [120, 140], [40, 140]] as const; // prettier-ignore
    const asBox = await bench.engine.referenceMask({ image: target.image, box });
    const asPolygon = await bench.engine.referenceMask({ image: target.image, polygon: [ring] });
    expect(asBox).toEqual(asPolygon);
    expect(asBox.area).toBe(80 * 90);
    expect(asBox.ofCells).toBe(256);
  });

  it('grows points into objects unless told not to', async () => {
    const points = { image: target.image, points: [[128, 128]] } as const;
    const grown = await bench.engine.referenceMask(points);
    const bare = await bench.engine.referenceMask(points, { grow: false });
    expect(bare).toMatchObject({ area: 1, cells: 1 });
    expect(grown.area).toBeGreaterThan(20);
    expect(grown.mask.data[128 * 256 + 128]).toBe(1);
  });
});

describe('selfCheck', () => {
  it('predicts each reference from the others', async () => {
    const references = scenes.slice(0, 3).map((scene) => reference(scene));
    const check = await bench.engine.selfCheck(references);
    expect(check.basis).toBe('leave-one-out');
    expect(Object.keys(check.methods)).toEqual(CHECKED);
    for (const method of CHECKED) expect(check.methods[method]?.each).toHaveLength(3);
    const byHand = await bench.engine.predict(scenes[0].image, references.slice(1), { method: 'nearest' });
    expect(check.methods.nearest?.each[0]).toBeCloseTo(
      iou((byHand.masks[0] as { mask: { data: Uint8Array } }).mask.data, scenes[0].truth.data),
      6,
    );
    expect(check.referenceIou).toBe(Math.max(...CHECKED.map((method) => check.methods[method]?.iou as number)));
    const auto = await bench.engine.predict(target.image, references);
    expect(auto.masks[0]).toMatchObject({
      method: check.best,
      quality: { referenceIouFrom: check.basis, referenceIou: check.referenceIou },
    });
  });

  it('falls back on a mirrored copy of a single reference, and refuses mixed labels', async () => {
    expect((await bench.engine.selfCheck([reference(scenes[0])])).basis).toBe('mirrored-copy');
    expect(await codeOf(bench.engine.selfCheck([reference(scenes[0], 'a'), reference(scenes[1], 'b')]))).toBe('OPTION_INVALID');
  });
});

describe('refine', () => {
  it('offers three masks for one point and one for more, each better known by SAM', async () => {
    const first = await bench.engine.refine(target.image, { points: [{ x: 120, y: 120 }] });
    expect(first.masks).toHaveLength(3);
    expect(first.masks.map(({ samIou }) => samIou)).toEqual(first.masks.map(({ samIou }) => samIou).sort((a, b) => b - a));
    const { masks } = await bench.engine.refine(target.image, { points: [{ x: 120, y: 120 }], best: true });
    expect(masks).toEqual(first.masks.slice(0, 1));
    const maskInput = first.masks[0]?.lowResLogits;
    const second = await bench.engine.refine(target.image, { points: [[120, 120]], negative: [{ x: 5, y: 5 }], maskInput });
    expect(second.masks).toHaveLength(1);
    expect(second.masks[0]?.mask.data[5 * 256 + 5]).toBe(0);
  });

  it('goes on from a prediction, and draws what is in a box', async () => {
    const { lowResLogits } = await predictOne({ method: 'prosam' });
    expect((await bench.engine.refine(target.image, { maskInput: lowResLogits, box: [10, 10, 250, 250] })).masks).toHaveLength(1);
    const ys = [...target.truth.data.keys()].filter((i) => target.truth.data[i] !== 0).map((i) => Math.floor(i / 256));
    const xs = [...target.truth.data.keys()].filter((i) => target.truth.data[i] !== 0).map((i) => i % 256);
    const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
    const { masks } = await bench.engine.refine(target.image, { box });
    expect(iou((masks[0] as { mask: { data: Uint8Array } }).mask.data, target.truth.data)).toBeGreaterThan(0.4);
  });

  it.each([
    ['nothing to go by', {}, 'OPTION_INVALID'],
    ['a point outside', { points: [{ x: 999, y: 3 }] }, 'ANNOTATION_OUTSIDE'],
    ['a point that is no number', { points: [{ x: NaN, y: 3 }] }, 'ANNOTATION_INVALID'],
    ['a box of two numbers', { box: [1, 2] }, 'ANNOTATION_INVALID'],
    ['logits of another size', { maskInput: new Float32Array(9) }, 'OPTION_INVALID'],
  ] as const)('refuses %s', async (_, prompts, code) => {
    expect(await codeOf(bench.engine.refine(target.image, prompts))).toBe(code);
  });
});
