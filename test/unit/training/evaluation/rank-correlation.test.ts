import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ranksOf, spearman } from '../../../../src/training/evaluation/rank-correlation.ts';

describe('spearman', () => {
  it('gives equal values the mean of their ranks', () => {
    expect(ranksOf([30, 10, 20, 10])).toEqual([4, 1.5, 3, 1.5]);
  });

  it('agrees with a worked example', () => {
    // IQ and hours of television, a textbook's example: rho = -29 / 165.
    const iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
    const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
    expect(spearman(iq, hours)).toBeCloseTo(-29 / 165, 9);
  });

  it('sees order only, and says nothing where there is none', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -100, max: 100 }), { minLength: 2, maxLength: 30 }), (values) => {
        const cubes = values.map((value) => value ** 3);
        expect(spearman(values, cubes)).toBeCloseTo(1, 9);
        expect(
          spearman(
            values,
            cubes.map((value) => -value),
          ),
        ).toBeCloseTo(-1, 9);
      }),
    );
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeUndefined();
    expect(spearman([1], [1])).toBeUndefined();
    expect(spearman([], [])).toBeUndefined();
  });
});
