import { describe, expect, it } from 'vitest';
import { bootstrapMiou, comparePaired } from '../../../../src/training/evaluation/bootstrap.ts';
import type { EpisodeRow } from '../../../../src/training/evaluation/result.ts';
import { compareMiou, estimateMiou } from '../../../../src/training/study/seed-statistics.ts';
import { expectCode } from '../../core/expect-error.ts';

const rows = (fold: string, tps: readonly number[], offset = 0): EpisodeRow[] =>
  tps.map((tp, i) => ({
    fold,
    classId: i % 2,
    reference: 'r',
    target: String(i),
    counts: { tp: tp + offset, fp: 10 - offset, fn: 20 - tp, tn: 70 },
    iou: (tp + offset) / (30 - tp + tp),
    milliseconds: {},
  }));
const A = rows('0', [2, 5, 8, 11, 14, 17]);
const B = rows('1', [1, 1, 3, 3, 9, 9]);

describe('estimateMiou', () => {
  it('is the mean over folds and seeds of what one evaluation gives', () => {
    const better = rows('0', [2, 5, 8, 11, 14, 17], 3);
    const {
      value,
      each,
      deviation = NaN,
    } = estimateMiou(
      [
        [A, better],
        [B, B],
      ],
      1,
      200,
    );
    const alone = [bootstrapMiou([...A, ...B], 1, 2).value, bootstrapMiou([...better, ...B], 1, 2).value];
    expect(each[0]).toBeCloseTo(alone[0] ?? NaN, 9);
    expect(each[1]).toBeCloseTo(alone[1] ?? NaN, 9);
    expect(value).toBeCloseTo(((alone[0] ?? 0) + (alone[1] ?? 0)) / 2, 9);
    expect(deviation).toBeCloseTo(Math.abs((alone[0] ?? 0) - (alone[1] ?? 0)) / Math.SQRT2, 9);
  });

  it('does not take the same run three times for three times as many pairs', () => {
    const once = estimateMiou([[A]], 5, 400);
    const thrice = estimateMiou([[A, A, A]], 5, 400);
    expect(once.low).toBeLessThan(once.value);
    expect(once.high).toBeGreaterThan(once.value);
    expect(thrice.low).toBeCloseTo(once.low, 9);
    expect(thrice.high).toBeCloseTo(once.high, 9);
    expect(thrice.deviation).toBeCloseTo(0, 9);
    expect(once).not.toHaveProperty('deviation');
  });

  it('refuses gaps', () => {
    expectCode('OPTION_INVALID', () => estimateMiou([[A, A], [B]], 1), /runs/);
    expectCode('OPTION_INVALID', () => estimateMiou([[A, A.slice(1)]], 1), /pairs/);
  });
});

describe('compareMiou', () => {
  it('is the paired difference of single evaluations', () => {
    const better = rows('0', [2, 5, 8, 11, 14, 17], 1);
    const { difference } = comparePaired(better, A, 3, 300);
    const found = compareMiou([[better]], [[A]], 3, 300);
    expect(found.value).toBeCloseTo(difference.value, 9);
    expect(found.low).toBeGreaterThan(0);
    expect(compareMiou([[A]], [[A]], 3, 50)).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('refuses answers to other pairs', () => {
    expectCode('OPTION_INVALID', () => compareMiou([[A]], [[A.slice(1)]], 1), /same pairs/);
  });
});
