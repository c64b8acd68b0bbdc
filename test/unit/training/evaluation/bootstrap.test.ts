import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normal, seededRandom } from '../../../../src/core/common/random.ts';
import { bootstrapMiou, comparePaired, quantile } from '../../../../src/training/evaluation/bootstrap.ts';
import { expectCode } from '../../core/expect-error.ts';
import { rowsOf, type MadeUp } from './rows.ts';

const anyRows = fc.array(
  fc.record({
    fold: fc.constantFrom('0', '1'),
    classId: fc.integer({ min: 1, max: 3 }),
    tp: fc.integer({ min: 0, max: 50 }),
    fp: fc.integer({ min: 0, max: 50 }),
    fn: fc.integer({ min: 0, max: 50 }),
  }),
  { minLength: 1, maxLength: 30 },
);

describe('bootstrapMiou', () => {
  it('sums per class, averages classes within a fold and then folds', () => {
    const rows = rowsOf([
      { classId: 1, tp: 1, fn: 9 }, // 1 of 10
      { classId: 1, tp: 90 }, // together 91 of 100
      { classId: 2, tp: 1, fp: 1 }, // 0.5
      { fold: '1', classId: 3, tp: 1, fn: 3 }, // 0.25
    ]);
    expect(bootstrapMiou(rows, 1).value).toBeCloseTo((100 * ((0.91 + 0.5) / 2 + 0.25)) / 2, 9);
  });

  it('has no width where every pair of a class is alike', () => {
    const rows = rowsOf(Array.from({ length: 12 }, (_, i): MadeUp => ({ classId: 1 + (i % 2), tp: i % 2 ? 3 : 1, fp: 3 })));
    const { value, low, high } = bootstrapMiou(rows, 5);
    expect([low, high]).toEqual([value, value]);
    expect(value).toBeCloseTo(37.5, 9);
  });

  it('is as wide as the spread of a mean: 1.96 standard errors to each side', () => {
    const random = seededRandom(77);
    const unit = 1000;
    const shares = Array.from({ length: 400 }, () => Math.min(1, Math.max(0, 0.5 + 0.1 * normal(random))));
    // Equal unions, so that the class IoU is the mean of the pairs' IoUs.
    const rows = rowsOf(shares.map((share) => ({ tp: Math.round(unit * share), fn: unit - Math.round(unit * share) })));
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const error = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0)) / shares.length;
    const { value, low, high } = bootstrapMiou(rows, 321);
    expect(value).toBeCloseTo(100 * mean, 1);
    expect((high - low) / (2 * 1.96 * 100 * error)).toBeGreaterThan(0.9);
    expect((high - low) / (2 * 1.96 * 100 * error)).toBeLessThan(1.1);
  });

  it('gives one interval for one seed, another for another, around the value', () => {
    fc.assert(
      fc.property(anyRows, fc.integer(), (made, seed) => {
        const rows = rowsOf(made);
        const estimate = bootstrapMiou(rows, seed, 60);
        expect(bootstrapMiou(rows, seed, 60)).toEqual(estimate);
        expect(estimate.low).toBeLessThanOrEqual(estimate.high);
        expect(estimate.low).toBeGreaterThanOrEqual(0);
        expect(estimate.high).toBeLessThanOrEqual(100);
      }),
      { numRuns: 50 },
    );
    const rows = rowsOf(Array.from({ length: 40 }, (_, i) => ({ tp: i, fn: 40 - i })));
    expect(bootstrapMiou(rows, 1)).not.toEqual(bootstrapMiou(rows, 2));
  });
});

describe('comparePaired', () => {
  const hard = Array.from({ length: 60 }, (_, i): MadeUp => ({ classId: 1 + (i % 3), tp: 10 + i, fn: 90 - i }));
  /** Each pair a little better. */
  const better = hard.map((row): MadeUp => ({ ...row, tp: row.tp + 2, fn: (row.fn ?? 0) - 2 }));

  it('finds a small steady difference that the two intervals alone would hide', () => {
    const [a, b] = [rowsOf(better), rowsOf(hard)];
    expect(bootstrapMiou(a, 3).low).toBeLessThan(bootstrapMiou(b, 3).high);
    const { difference, ahead, wins, ties, losses } = comparePaired(a, b, 3);
    expect(difference.value).toBeCloseTo(2, 6);
    expect(difference.low).toBeCloseTo(2, 6);
    expect({ ahead, wins, ties, losses }).toEqual({ ahead: 1, wins: 60, ties: 0, losses: 0 });
  });

  it('is nothing against oneself and turns its sign when turned around', () => {
    const [a, b] = [rowsOf(better.map((row, i) => (i % 2 ? row : (hard[i] as MadeUp)))), rowsOf(hard)];
    const self = comparePaired(b, b, 9);
    expect(self.difference).toEqual({ value: 0, low: 0, high: 0 });
    expect(self).toMatchObject({ ahead: 0.5, wins: 0, ties: 60, losses: 0 });
    const [there, back] = [comparePaired(a, b, 9), comparePaired(b, a, 9)];
    expect(back.difference.value).toBeCloseTo(-there.difference.value, 9);
    expect(back.difference.low).toBeCloseTo(-there.difference.high, 9);
    expect([back.wins, back.losses]).toEqual([there.losses, there.wins]);
  });

  it('refuses answers to different pairs', () => {
    const rows = rowsOf(hard);
    expectCode('OPTION_INVALID', () => comparePaired(rows, rows.slice(1), 1), 'same pairs');
    expectCode('OPTION_INVALID', () => comparePaired(rows, rows.toReversed(), 1), 'same pairs');
  });
});

describe('quantile', () => {
  it('lies between the smallest and the largest', () => {
    expect([0, 0.25, 0.5, 1].map((share) => quantile([1, 2, 4, 8, 16], share))).toEqual([1, 2, 4, 16]);
    expect(quantile([1, 3], 0.5)).toBe(2);
    expect(quantile([7], 0.3)).toBe(7);
  });
});
