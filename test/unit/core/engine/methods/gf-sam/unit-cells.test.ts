import { expect, test } from 'vitest';
import { unitCells } from '../../../../../../src/core/engine/methods/gf-sam/unit-cells.ts';

/** Two channels of one part and one of another on a grid of 3 x 2, the last column padding. */
const compared = {
  map: { data: Float32Array.from([3, 0, 9, 1, 0, 9, 4, 2, 9, 0, 0, 9, 100, 7, 9, 7, 0, 9]), shape: [1, 3, 2, 3] },
  widths: [2, 1],
};
const seen = { columns: 2, rows: 2, stride: 3 };
const HALF = Math.SQRT1_2;

test('tokens have parts of one length, whatever their size, and only cells that are seen', () => {
  const { data, count, channels, lengths } = unitCells(compared, 'token', seen);
  expect({ count, channels }).toEqual({ count: 4, channels: 3 });
  expect([...lengths.slice(0, 3)].map((value) => Number(value.toFixed(5)))).toEqual([1, 1, 1]);
  const cell = (i: number) => [0, 1, 2].map((c) => Number((data[c * 4 + i] as number).toFixed(5)));
  const rounded = (...values: number[]) => values.map((value) => Number(value.toFixed(5)));
  expect(cell(0)).toEqual(rounded(0.6 * HALF, 0.8 * HALF, HALF));
  expect(cell(1)).toEqual(rounded(0, HALF, HALF));
  expect(cell(3)).toEqual([0, 0, 0]); // no direction
});

test('channels are scaled over the cells that are seen, then the cells to length 1', () => {
  const { data, lengths } = unitCells(compared, 'channel', seen);
  const scaled = [3 / Math.hypot(3, 1), 4 / Math.hypot(4, 2), 100 / Math.hypot(100, 7, 7)];
  expect(lengths[0]).toBeCloseTo(Math.hypot(...scaled), 5);
  scaled.forEach((value, c) => expect(data[c * 4]).toBeCloseTo(value / Math.hypot(...scaled), 5));
});
