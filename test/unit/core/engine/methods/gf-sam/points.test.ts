import { describe, expect, test } from 'vitest';
import { choosePoints } from '../../../../../../src/core/engine/methods/gf-sam/points.ts';

/** A column of full cells at x = 0..3 and one lone cell at (11, 2) of a grid of 12 x 5. */
const COLUMNS = 12;
const kept = new Float64Array(60);
for (let y = 0; y < 5; y++) for (let x = 0; x < 4; x++) kept[y * COLUMNS + x] = 0.99;
kept[2 * COLUMNS + 11] = 0.3;

const placesOf = (most: number, spread: boolean) =>
  choosePoints(kept, COLUMNS, most, spread).points.map(({ x, y }): [number, number] => [x, y]);

describe('points', () => {
  test('are as many as the map sums to, column by column', () => {
    const { points, wanted } = choosePoints(kept, COLUMNS, 128, true);
    expect(wanted).toBe(20);
    expect(points).toHaveLength(20);
    expect(points.slice(0, 6).map(({ x, y }) => [x, y])).toEqual([[0, 0], [0, 1], [0, 2], [0, 3], [0, 4], [1, 0]]); // prettier-ignore
    expect(points.every(({ x, y, cell }) => cell === y * COLUMNS + x)).toBe(true);
  });

  test('of a cut list lie apart, so that a lone cell keeps its own', () => {
    expect(placesOf(4, false).some(([x]) => x === 11)).toBe(false);
    const spread = placesOf(4, true); // at least 0.9 * sqrt(20.1 / 4) = 2.02 cells apart
    expect(spread).toHaveLength(4);
    const distances = spread.flatMap(([x, y], i) => spread.slice(i + 1).map(([u, v]) => Math.hypot(x - u, y - v)));
    expect(Math.min(...distances)).toBeGreaterThan(2.01);
    expect(choosePoints(kept, COLUMNS, 4, true).wanted).toBe(20);
    expect(placesOf(7, true)).toContainEqual([11, 2]);
  });

  test('that lie apart are filled up with the best of the others', () => {
    const row = Float64Array.from([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]);
    const { points, wanted } = choosePoints(row, 8, 3, true); // 0.9 * sqrt(4.4 / 3) = 1.09 cells apart
    expect(wanted).toBe(4);
    expect(points.map(({ x }) => x)).toEqual([0, 2, 4]);
    const narrow = choosePoints(Float64Array.from([0.9, 0.95, 0.9, 0.9]), 4, 2, true); // 1.2 cells apart
    expect(narrow.points.map(({ x }) => x)).toEqual([1, 3]);
    const square = choosePoints(new Float64Array(4).fill(0.99), 2, 2, true); // 1.3 apart: only the diagonal is
    expect(square.points.map(({ cell }) => cell)).toEqual([0, 3]);
    const full = choosePoints(new Float64Array(9).fill(0.99), 3, 6, true); // 1.1 apart: five, and one more
    expect(full.points.map(({ cell }) => cell).sort()).toEqual([0, 1, 2, 4, 6, 8]);
  });

  test('are one where the map sums to less, and none where it is empty; the lower cell wins a tie', () => {
    expect(choosePoints([0, 0.2, 0.2, 0], 2, 8, true)).toEqual({ points: [{ x: 1, y: 0, cell: 1 }], wanted: 1 });
    expect(choosePoints(new Float64Array(4), 2, 8, true)).toEqual({ points: [], wanted: 0 });
  });
});
