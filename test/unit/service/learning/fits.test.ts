/** When an answer goes by numbers that were fitted to its labels. */
import { describe, expect, it } from 'vitest';
import type { LearnedValues } from '../../../../src/core/checkpoint/learned-values.ts';
import { answerVersion } from '../../../../src/service/answer-version.ts';
import { fittedOptions, type FitsAsked } from '../../../../src/service/learning/fits.ts';
import { fitFigures, fitText } from '../../../../src/service/ports/fits.ts';

const MODEL = 'tiny@9a897d329434';
const values = (more: Partial<LearnedValues> = {}): LearnedValues => ({
  ...{ format: 'prosam-learned/1', features: 'f', label: 'cup', examples: 2 },
  held: [
    { plain: 0.5, learned: 0.75 },
    { plain: 0.7, learned: 0.65 },
  ],
  numbers: { probe: [0.5, 1], bias: 0, maps: { redrawn: 1 } },
  ...more,
});
const setOf = (fitted: LearnedValues, baseModel = MODEL) => ({
  ...{ label: fitted.label, hash: 'h' },
  fit: { project: 'p', label: fitted.label, baseModel, data: 'd', values: fitted, fittedMs: 1 },
});
const info: FitsAsked['info'] = { model: MODEL, precision: 'fp32' };
const asked = (more: Partial<FitsAsked> = {}): FitsAsked => ({
  ...{ info, encoderVersion: 'base', method: 'auto', options: undefined, sets: [setOf(values())] },
  ...more,
});

describe('fitted numbers', () => {
  it('are those of the labels, the model and the prompt encoder that answer', () => {
    expect(fittedOptions(asked())).toEqual({ learned: [values()] });
    expect(fittedOptions(asked({ method: 'learned' }))).toEqual({ learned: [values()] });
    const jug = values({ label: 'jug', promptEncoder: 'v-1' });
    expect(fittedOptions(asked({ sets: [setOf(values()), { fit: undefined }, setOf(jug)], encoderVersion: 'v-1' }))).toEqual({
      learned: [jug],
    });
  });

  it('are none where they would be refused, were no better, or the request says how to draw', () => {
    const none: Partial<FitsAsked>[] = [
      ...[{ sets: [] }, { sets: [setOf(values({ numbers: undefined }))] }, { sets: [setOf(values(), 'tiny@000000000000')] }],
      ...[{ encoderVersion: 'v-1' }, { method: 'prosam' }, { method: 'external' }, { info: { ...info, precision: 'fp16' } }],
      ...[{ options: { samples: 10 } }, { options: { strategy: 'majority' } }, { options: { grow: true } }],
    ] as Partial<FitsAsked>[];
    for (const more of none) expect([more, fittedOptions(asked(more))]).toEqual([more, {}]);
    expect(fittedOptions(asked({ options: { minArea: 5, threshold: 0.5 } }))).toEqual({ learned: [values()] });
  });

  it('give an answer another version where they are used, and only there', () => {
    const version = (sets: FitsAsked['sets']) =>
      answerVersion({
        ...{ model: MODEL, method: 'auto', encoderVersion: 'base', sets: [{ label: 'cup', hash: 'h' }] },
        options: fittedOptions(asked({ sets })),
      });
    const plain = version([]);
    const [one, other] = [values(), values({ numbers: { probe: [0.5, 2], bias: 0, maps: { redrawn: 1 } } })];
    expect(new Set([plain, version([setOf(one)]), version([setOf(other)])]).size).toBe(3);
    expect(version([setOf(values({ numbers: undefined }))])).toBe(plain);
  });

  it('are told in a line', () => {
    expect(fitFigures(values())).toEqual({ images: 2, plain: 0.6, learned: 0.7, used: true });
    expect(fitText(fitFigures(values()))).toBe('fitted on 2 masks: left-out images 0.60 -> 0.70');
    const none = fitFigures(values({ held: [], numbers: undefined }));
    expect(fitText(none)).toBe('fitted on 2 masks, not used: left-out images 0.00 -> 0.00');
  });
});
