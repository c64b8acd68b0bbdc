/** Fitted numbers through the engine, on the smallest model and generated scenes. */
import { describe, expect, it } from 'vitest';
import { parseLearnedValues } from '../../../../../src/core/checkpoint/learned-values.ts';
import { codeOf, engineBench, reference } from '../../runtime/engine-bench.ts';
import { sceneWith, type SceneWithTruth } from '../../../../../src/scenes/scene-with.ts';

const bench = engineBench();
/** Scenes of a concept, of which the last is the target: of the two below, on the first four fitted numbers pay for one of the concepts, and do not for the other. */
function scenesOf(concept: number, count = 4) {
  let seed = 4100;
  const scenes = Array.from({ length: count + 1 }, () => sceneWith(concept, () => seed++));
  return { shown: scenes.slice(0, count).map((scene) => reference(scene)), target: scenes[count] as SceneWithTruth };
}
const { shown, target } = scenesOf(40);
const other = scenesOf(5);

describe('fit', () => {
  it('gives plain data that draws the same mask again after JSON, another than without', async () => {
    const values = await bench.engine.fit(shown);
    expect(values).toMatchObject({ format: 'prosam-learned/1', label: 'object', examples: 4 });
    expect(values.held).toHaveLength(4);
    expect(values.numbers).toBeDefined();
    const options = { learned: [values], threshold: 0 };
    const { masks } = await bench.engine.predict(target.image, shown, options);
    const read = parseLearnedValues(JSON.parse(JSON.stringify(values)));
    const again = await bench.engine.predict(target.image, shown, { ...options, learned: [read] });
    expect(masks[0]).toMatchObject({ method: 'learned', quality: { referenceIouFrom: 'leave-one-out' } });
    expect(again.masks[0]?.mask.data).toEqual(masks[0]?.mask.data);
    const plain = await bench.engine.predict(target.image, shown, { threshold: 0 });
    expect(plain.masks[0]?.mask.data).not.toEqual(masks[0]?.mask.data);
  });

  it('has no numbers where the images predict each other no better with them', async () => {
    const { held, numbers } = await bench.engine.fit(other.shown);
    expect(held.reduce((sum, { plain, learned }) => sum + learned - plain, 0)).toBeLessThanOrEqual(0);
    expect(numbers).toBeUndefined();
  });

  it('weighs maps by fitted numbers from eight images on, or takes one in every target, and one that agrees of fewer', async () => {
    const { held, numbers } = await bench.engine.fit(scenesOf(47, 8).shown);
    expect(held).toHaveLength(8);
    expect(Object.keys(numbers?.maps ?? {})).toEqual(['prosam', 'nearest', 'probe', 'redrawn']);
    expect(numbers?.plain).toBe('prosam');
    const everywhere = (await bench.engine.fit(scenesOf(18, 8).shown)).numbers;
    expect(everywhere?.maps).toEqual({ redrawn: 1 });
    expect(everywhere?.plain).toBeUndefined();
    const few = (await bench.engine.fit(shown)).numbers?.maps as Record<string, number>;
    expect(Object.values(few)).toEqual([1]);
    expect(['redrawn', 'sharpened', 'pieces']).toContain(Object.keys(few)[0]);
  });

  it('changes nothing where there are none, for other labels, and for a method that is named', async () => {
    const values = await bench.engine.fit(shown);
    const without = { ...values };
    delete without.numbers;
    const plain = await bench.engine.predict(target.image, shown, { threshold: 0 });
    for (const learned of [[], [without], [{ ...values, label: 'cup' }]]) {
      const { masks } = await bench.engine.predict(target.image, shown, { learned, threshold: 0 });
      expect(masks[0]?.method).toBe(plain.masks[0]?.method);
      expect(masks[0]?.mask.data).toEqual(plain.masks[0]?.mask.data);
    }
    const named = await bench.engine.predict(target.image, shown, { learned: [values], method: 'nearest' });
    expect(named.masks[0]?.method).toBe('nearest');
  });

  it('has no numbers from one image', async () => {
    expect(await bench.engine.fit(shown.slice(0, 1))).toMatchObject({ examples: 1, held: [] });
    expect((await bench.engine.fit([shown[0], shown[0]] as never)).examples).toBe(1);
  });

  it('refuses labels mixed, values of another model or prompt encoder, and what is none', async () => {
    const values = await bench.engine.fit(shown);
    const narrow = { ...values, numbers: { probe: [0, 1], bias: 1, maps: { nearest: 1 } } };
    const predict = (learned: unknown) => bench.engine.predict(target.image, shown, { learned: [learned] as never });
    expect(await codeOf(bench.engine.fit([shown[0], { ...shown[1], label: 'cup' }] as never))).toBe('OPTION_INVALID');
    for (const wrong of [
      narrow,
      { ...values, features: 'another' },
      { ...values, promptEncoder: 'v-1' },
      {},
      3,
      { ...values, format: 'prosam-learned/2' },
    ])
      expect(await codeOf(predict(wrong))).toBe('OPTION_INVALID');
    expect(await codeOf(bench.engine.predict(target.image, shown, { method: 'learned' }))).toBe('METHOD_UNAVAILABLE');
  });
});
