import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawPixelStroke } from '../../../../src/core/mask/pixel-stroke.ts';
import { boundingBox, emptyMask, maskArea, type Point } from '../../../../src/core/mask/raster.ts';
import { textOf } from './any-mask.ts';

const coordinate = fc.double({ min: -30, max: 60, noNaN: true });
const anyPath = fc.array(fc.tuple(coordinate, coordinate), { minLength: 1, maxLength: 6 });
const anyWidth = fc.integer({ min: 1, max: 9 });

function drawn(path: readonly Point[], width: number, columns = 31, rows = 23) {
  const mask = emptyMask(columns, rows);
  drawPixelStroke(mask, path, width);
  return mask;
}

describe('drawPixelStroke', () => {
  test('a flat line has its width in pixels and ends without caps', () => {
    const line: Point[] = [
      [2, 3],
      [6, 3],
    ];
    expect(textOf(drawn(line, 1, 9, 7))).toEqual([
      '.........',
      '.........',
      '.........',
      '..#####..',
      '.........',
      '.........',
      '.........',
    ]);
    expect(textOf(drawn(line, 3, 9, 7)).filter((row) => row === '..#####..').length).toBe(3);
  });

  test('a single vertex leaves a disc of radius width / 2 - 1', () => {
    expect(textOf(drawn([[3, 3]], 6, 7, 7))).toEqual(['.......', '..###..', '.#####.', '.#####.', '.#####.', '..###..', '.......']);
    expect(maskArea(drawn([[3, 3]], 2, 7, 7))).toBe(1);
    expect(maskArea(drawn([[3, 3]], 1, 7, 7))).toBe(0);
  });

  test('vertices count as the pixels they lie in, towards zero', () => {
    fc.assert(
      fc.property(anyPath, anyWidth, (path, width) => {
        const whole = path.map(([x, y]): Point => [Math.trunc(x), Math.trunc(y)]);
        expect(drawn(path, width)).toEqual(drawn(whole, width));
      }),
    );
  });

  test('marks every vertex of a line inside the mask, and nothing farther from the path than its width', () => {
    const inside = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 22 }));
    fc.assert(
      fc.property(fc.array(inside, { minLength: 2, maxLength: 5 }), fc.integer({ min: 2, max: 9 }), (path, width) => {
        const mask = drawn(path, width);
        for (const [x, y] of path) expect(mask.data[y * 31 + x]).toBe(1);
        const [x0, y0, x1, y1] = boundingBox(mask) as [number, number, number, number];
        expect(x0).toBeGreaterThanOrEqual(Math.min(...path.map(([x]) => x)) - width);
        expect(y0).toBeGreaterThanOrEqual(Math.min(...path.map(([, y]) => y)) - width);
        expect(x1 - 1).toBeLessThanOrEqual(Math.max(...path.map(([x]) => x)) + width);
        expect(y1 - 1).toBeLessThanOrEqual(Math.max(...path.map(([, y]) => y)) + width);
      }),
    );
  });

  test('a mask is a window: what falls outside is cut off, what falls inside stays the same', () => {
    fc.assert(
      fc.property(anyPath, anyWidth, (path, width) => {
        const window = drawn(path, width);
        const shifted = path.map(([x, y]): Point => [Math.trunc(x) + 40, Math.trunc(y) + 40]);
        const large = drawn(shifted, width, 120, 120);
        window.data.forEach((value, i) => {
          const at = (Math.floor(i / 31) + 40) * 120 + (i % 31) + 40;
          if (large.data[at] !== value) throw new Error(`pixel ${i % 31}, ${Math.floor(i / 31)} differs`);
        });
      }),
    );
  });
});
