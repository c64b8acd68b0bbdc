/** Tuning through the engine: the built-in photo model on generated scenes, which it was never trained on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLearnedValues, type LearnedValues } from '../../../../../../src/core/checkpoint/learned-values.ts';
import { iou } from '../../../../../../src/core/mask/metrics.ts';
import { createEngine, type Engine } from '../../../../../../src/index.ts';
import { sceneWith, type SceneWithTruth } from '../../../../../../src/scenes/scene-with.ts';
import { codeOf, reference } from '../../../runtime/engine-bench.ts';

let seed = 900;
const scenes = Array.from({ length: 6 }, () => sceneWith(18, () => seed++));
const shown = scenes.slice(0, 4).map((scene) => reference(scene));
const targets = scenes.slice(4);

let engine: Engine;
let values: LearnedValues;
beforeAll(async () => {
  engine = await createEngine({ model: 'small' });
  values = await engine.fit(shown);
});
afterAll(() => engine.close());

const drawn = async ({ image }: SceneWithTruth, learned: LearnedValues[]) => {
  const { masks } = await engine.predict(image, shown, { learned, threshold: 0 });
  return masks[0] as (typeof masks)[number];
};
const numbersOf = ({ numbers }: LearnedValues) => numbers as NonNullable<LearnedValues['numbers']>;

describe('a prompt encoder tuned to a label', () => {
  it('is kept where it draws images better that it was not tuned to, and does so with others', async () => {
    expect(numbersOf(values).maps).toEqual({ likelier: 1 });
    const gain = values.held.reduce((sum, { plain, learned }) => sum + learned - plain, 0) / values.held.length;
    expect(gain).toBeGreaterThan(0.01);
    for (const target of targets) {
      const [plain, tuned] = [await drawn(target, []), await drawn(target, [values])];
      expect([plain.method, tuned.method]).toEqual(['prosam', 'learned']);
      expect(iou(tuned.mask.data, target.truth.data)).toBeGreaterThan(iou(plain.mask.data, target.truth.data) + 0.03);
    }
  });

  it('draws every target where the numbers name it alone', async () => {
    const [target] = targets as [SceneWithTruth];
    const everywhere = { ...values, numbers: { ...numbersOf(values), maps: { tuned: 1 }, plain: undefined } };
    const [own, tuned] = [await drawn(target, []), await drawn(target, [everywhere])];
    expect(tuned.method).toBe('learned');
    expect(iou(tuned.mask.data, target.truth.data)).toBeGreaterThan(iou(own.mask.data, target.truth.data) + 0.03);
  });

  it('is plain data: the same mask after JSON', async () => {
    const [target] = targets as [SceneWithTruth];
    const text = JSON.stringify(values);
    expect(text.length).toBeLessThan(200_000);
    const read = parseLearnedValues(JSON.parse(text));
    expect((await drawn(target, [read])).mask.data).toEqual((await drawn(target, [values])).mask.data);
  });

  it('draws what it would draw without a change where the change is none', async () => {
    const [target] = targets as [SceneWithTruth];
    const numbers = numbersOf(values);
    const none = { ...values, numbers: { ...numbers, change: (numbers.change as number[]).map(() => 0) } };
    const [plain, unchanged] = [await drawn(target, []), await drawn(target, [none])];
    expect(iou(unchanged.mask.data, plain.mask.data)).toBeGreaterThan(0.99);
  });

  it('refuses a change of other weights, and numbers that name it and lack it', async () => {
    const [{ image }] = targets as [SceneWithTruth];
    const { change, ...rest } = numbersOf(values);
    for (const numbers of [{ ...rest, change: (change as number[]).slice(1) }, rest, { ...rest, maps: { tuned: 1 } }]) {
      const predicted = engine.predict(image, shown, { learned: [{ ...values, numbers }] });
      expect(await codeOf(predicted)).toBe('OPTION_INVALID');
    }
  });

  it('is given up when the call is', async () => {
    const stop = new AbortController();
    const fitting = engine.fit(shown, { signal: stop.signal });
    stop.abort();
    await expect(fitting).rejects.toThrow(/abort/i);
  });
});
