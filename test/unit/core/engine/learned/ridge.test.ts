/** Sums over cells and the regression on them, against plain matrices that are worked out another way. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../../src/core/common/random.ts';
import { momentsOf, type Moments } from '../../../../../src/core/engine/learned/moments.ts';
import { ridgeWeights, solved } from '../../../../../src/core/engine/learned/ridge.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';

const WIDTH = 4;
const random = seededRandom(5);

interface Image {
  rows: number[][];
  shares: number[];
}

function image(count: number): Image {
  const rows = Array.from({ length: count }, () => [...Array.from({ length: WIDTH - 1 }, () => Math.fround(random() - 0.5)), 1]);
  return { rows, shares: rows.map(([x = 0]) => (x > 0.2 ? 1 : x > 0 ? 0.25 : 0)) };
}

function moments({ rows, shares }: Image): Moments {
  return runStepsSync(momentsOf({ data: Float32Array.from(rows.flat()), width: WIDTH, cells: [...rows.keys()] }, shares));
}

/** The objective, from the cells themselves. */
function objective(images: readonly Image[], weights: readonly number[], penalty: number): number {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const all = images.flatMap(({ rows, shares }) => rows.map((row, i) => ({ row, share: shares[i] as number })));
  const [object, rest] = [sum(all.map(({ share }) => share)), sum(all.map(({ share }) => 1 - share))];
  const errors = all.map(({ row, share }) => {
    const value = sum(row.map((x, i) => x * (weights[i] as number)));
    return (0.5 * share * (1 - value) ** 2) / object + (0.5 * (1 - share) * (-1 - value) ** 2) / rest;
  });
  return sum(errors) + penalty * sum(weights.slice(0, -1).map((weight) => weight * weight));
}

describe('the regression of object against rest', () => {
  it('solves what was multiplied out by hand', () => {
    // [[4, 2, 0], [2, 5, 1], [0, 1, 3]] x [1, -2, 3]
    const x = runStepsSync(solved(Float64Array.of(4, 2, 0, 5, 1, 3), Float64Array.of(0, -5, 7)));
    expect([...x].map((value) => Number(value.toFixed(9)))).toEqual([1, -2, 3]);
  });

  it('finds the weights that no small step makes better', () => {
    const images = [image(30), image(20)];
    const weights = [...(runStepsSync(ridgeWeights(images.map(moments), 0.05)) as Float64Array)];
    const least = objective(images, weights, 0.05);
    for (let i = 0; i < WIDTH; i++)
      for (const step of [-0.01, 0.01]) {
        const moved = weights.map((weight, at) => weight + (at === i ? step : 0));
        expect(objective(images, moved, 0.05)).toBeGreaterThan(least);
      }
  });

  it('counts an image by its own sums alone, so that leaving it out is leaving out its sums', () => {
    const [one, other] = [image(12), image(9)];
    const together = moments({ rows: [...one.rows, ...other.rows], shares: [...one.shares, ...other.shares] });
    const apart = [moments(one), moments(other)];
    for (const side of ['object', 'rest'] as const) {
      const added = apart.reduce((sum, each) => sum + (each[side].products[5] as number), 0);
      expect(added).toBeCloseTo(together[side].products[5] as number, 10);
      expect(apart.reduce((sum, each) => sum + each[side].total, 0)).toBeCloseTo(together[side].total, 10);
    }
    const weights = (list: Moments[]): number[] => [...(runStepsSync(ridgeWeights(list)) as Float64Array)];
    weights(apart).forEach((weight, i) => expect(weight).toBeCloseTo(weights([together])[i] as number, 6));
  });

  it('has no weights where there is no object, or nothing else', () => {
    const { rows } = image(6);
    for (const share of [0, 1]) expect(runStepsSync(ridgeWeights([moments({ rows, shares: rows.map(() => share) })]))).toBeUndefined();
    expect(runStepsSync(ridgeWeights([]))).toBeUndefined();
  });
});
