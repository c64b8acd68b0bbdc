import { expect, it } from 'vitest';
import { lowRank, product } from '../../../../src/core/common/low-rank.ts';
import { normal, seededRandom } from '../../../../src/core/common/random.ts';

const [ROWS, COLUMNS] = [12, 20];
const thin = (rank: number) => {
  const random = seededRandom(5);
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => normal(random));
  return product({ left: draw(ROWS * rank), right: draw(rank * COLUMNS) }, ROWS, COLUMNS);
};
const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0) / b.reduce((sum, value) => sum + value ** 2, 0));

it('finds a matrix again that has no more directions than are kept', () => {
  for (const rank of [1, 3]) {
    const matrix = thin(rank);
    expect(distance(product(lowRank(matrix, ROWS, COLUMNS, 4, seededRandom(1)), ROWS, COLUMNS), matrix)).toBeLessThan(1e-5);
  }
});

it('keeps most of one with a few strong directions, and more of it with more', () => {
  const random = seededRandom(9);
  const matrix = thin(2).map((value) => value + 0.05 * normal(random));
  const kept = (rank: number): number => distance(product(lowRank(matrix, ROWS, COLUMNS, rank, seededRandom(1)), ROWS, COLUMNS), matrix);
  expect(kept(1)).toBeGreaterThan(0.2);
  expect(kept(2)).toBeLessThan(0.05);
  expect(kept(8)).toBeLessThan(kept(2));
});

it('is nothing of nothing', () => {
  expect(product(lowRank(new Float32Array(12), 3, 4, 2, seededRandom(1)), 3, 4)).toEqual(new Float32Array(12));
});
