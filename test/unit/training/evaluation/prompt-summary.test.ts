import { describe, expect, it } from 'vitest';
import type { PromptRow } from '../../../../src/training/evaluation/result.ts';
import { summarizePrompts } from '../../../../src/training/evaluation/prompt-summary.ts';

const clicked = (target: string, ious: number[], fold = '0'): PromptRow => ({
  ...{ fold, classId: 1, target, model: 'small', prompt: 'points' },
  ious,
  samIous: ious.map((iou) => iou / 2),
});
const boxed = (target: string, iou: number, samIou: number, fold = '0'): PromptRow => ({
  ...{ fold, classId: 1, target, model: 'small', prompt: 'box' },
  ious: [iou],
  samIous: [samIou],
});

describe('summarizePrompts', () => {
  it('gives each number of clicks, and the mean from the second click on', () => {
    const results = summarizePrompts([clicked('a', [0, 0.2, 0.4, 0.6, 0.8, 1]), clicked('b', [0.5, 0.5, 0.5, 0.5, 0.5, 0.5])], 1);
    expect(results.map(({ prompt, objects }) => [prompt, objects])).toEqual([
      ['1 click', 2],
      ...[2, 3, 4, 5, 6].map((count) => [`${count} clicks`, 2]),
      ['2 to 6 clicks', 2],
    ]);
    expect(results.map(({ iou }) => Math.round(10 * iou.value) / 10)).toEqual([25, 35, 45, 55, 65, 75, 55]);
    expect(results[0]?.iou).toMatchObject({ low: 0, high: 50 });
  });

  it('ranks within a fold: folds that differ in difficulty add nothing', () => {
    const rows = [boxed('a', 0.1, 0.9), boxed('b', 0.2, 0.8), boxed('c', 0.8, 0.3, '1'), boxed('d', 0.9, 0.4, '1')];
    expect(summarizePrompts(rows, 1)).toMatchObject([{ prompt: 'box', objects: 4, rankCorrelation: 0 }]);
    expect(summarizePrompts(rows.slice(2), 1)).toMatchObject([{ rankCorrelation: 1 }]);
  });

  it('keeps models apart', () => {
    const rows = [boxed('a', 0.5, 0.5), { ...boxed('a', 1, 0.5), model: 'tiny' }];
    expect(summarizePrompts(rows, 1).map(({ model, iou }) => [model, iou.value])).toEqual([
      ['small', 50],
      ['tiny', 100],
    ]);
  });
});
