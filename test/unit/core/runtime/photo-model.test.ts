/** The photo model's methods as callers get them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEngine } from '../../../../src/index.ts';
import { MODEL_METHODS, type Engine, type MaskPrediction, type Method } from '../../../../src/core/engine/types.ts';
import { reference, scenes, target } from './engine-bench.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ model: 'small' });
});
afterAll(() => engine.close());

const predict = async (method: Method | 'auto'): Promise<MaskPrediction> =>
  (await engine.predict(target.image, [reference(scenes[0])], { method })).masks[0] as MaskPrediction;

it('has every method of its own', () => {
  expect(engine.info.methods).toEqual(MODEL_METHODS);
});

it("redraws what 'nearest' found as 'refined', also when a caller goes on from it", async () => {
  const [nearest, refined] = [await predict('nearest'), await predict('refined')];
  expect(nearest.quality.samIou).toBeUndefined();
  const { masks } = await engine.refine(target.image, { maskInput: nearest.lowResLogits });
  expect(masks[0]?.samIou).toBeCloseTo(refined.quality.samIou as number, 5);
  expect(masks[0]?.mask).toEqual(refined.mask);
});

it('draws another mask without the coarse mask', async () => {
  const [withMask, without] = await Promise.all(
    (['model', 'none'] as const).map((dense) => engine.predict(target.image, [reference(scenes[0])], { method: 'prosam', dense })),
  );
  expect(without?.masks[0]?.mask).not.toEqual(withMask?.masks[0]?.mask);
});

it('keeps of a single reference one of two masks, as its method draws it, says what was expected of both, and asks no copy', async () => {
  const check = await engine.selfCheck([reference(scenes[0])]);
  // Published baselines and slow ones draw where they are named.
  const byName = ['pieces', 'gf-sam', 'persam-paper', 'persam-f', 'matcher'];
  expect(Object.keys(check.methods)).toEqual(MODEL_METHODS.filter((method) => !byName.includes(method)));
  const drawn = { prosam: await predict('prosam'), pieces: await predict('pieces') };
  const auto = await predict('auto');
  const kept = drawn[auto.method as 'prosam' | 'pieces'];
  expect(auto.mask).toEqual(kept.mask);
  const other = auto.method === 'pieces' ? 'pieces' : 'nearest';
  expect(auto.quality.compared).toEqual({ prosam: drawn.prosam.quality.score, [other]: expect.any(Number) as number });
  expect(auto.quality.score).toBe(auto.quality.compared?.[auto.method]);
  expect(auto.quality).not.toHaveProperty('referenceIou');
});
