import { expect, test } from 'vitest';
import { markedCells } from '../../../../src/core/onnx/marked-cells.ts';

const features = { data: Float32Array.of(1, 2, 3, 4, /**/ 5, 6, 7, 8), shape: [1, 2, 2, 2] };

test('cells that are masked out have a similarity of 0, unless the marked ones count alone', () => {
  const mask = Float32Array.of(0, 1, 0, 1);
  expect(markedCells(features, mask)?.cells).toEqual({ data: Float32Array.of(2, 6, 4, 8), shape: [2, 2] });
  expect(markedCells(features, mask)?.floor.data[0]).toBe(0);
  expect(markedCells(features, mask, true)?.floor.data[0]).toBe(-1);
  expect(markedCells(features, new Float32Array(4).fill(1))?.floor.data[0]).toBe(-1);
  expect(markedCells(features, new Float32Array(4), true)).toBeUndefined();
});
