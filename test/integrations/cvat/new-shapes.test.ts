/** Masks as shapes of CVAT: outlines keep holes, thin lines and parts that touch at corners. */
import { describe, expect, it } from 'vitest';
import { shapesOfMask } from '../../../src/adapters/cvat/annotate/new-shapes.ts';
import { maskFromCvatRle } from '../../../src/core/mask/cvat-rle.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { iou } from '../../../src/core/mask/metrics.ts';
import { emptyMask, fillPolygon, type Point } from '../../../src/core/mask/raster.ts';
import { isSimple } from '../../unit/core/mask/simple-polygon.ts';

const [WIDTH, HEIGHT] = [90, 70];
const WHERE = { frame: 3, label_id: 7 };

function drawn(isSet: (x: number, y: number) => boolean): BinaryMask {
  const mask = emptyMask(WIDTH, HEIGHT);
  for (let at = 0; at < mask.data.length; at++) if (isSet(at % WIDTH, Math.floor(at / WIDTH))) mask.data[at] = 1;
  return mask;
}

const pairs = (points: readonly number[]): Point[] =>
  Array.from({ length: points.length / 2 }, (_, i): Point => [points[2 * i] as number, points[2 * i + 1] as number]);

const disc = (x: number, y: number): number => Math.hypot(x - 40, y - 35);
const MASKS: [name: string, mask: BinaryMask, shapes: number][] = [
  ['a ring', drawn((x, y) => disc(x, y) < 30 && disc(x, y) >= 15), 1],
  ['a thin L', drawn((x, y) => (x === 10 && y <= 60) || (y === 60 && x >= 10)), 1],
  ['a sine curve', drawn((x, y) => Math.abs(y - 35 - 25 * Math.sin(x / 5)) < 4), 1],
  ['squares that touch at a corner', drawn((x, y) => (x < 30 && y < 30) || (x >= 30 && x < 55 && y >= 30 && y < 55)), 2],
  ['a square with a speck at its corner', drawn((x, y) => (x < 30 && y < 30) || (x === 30 && y === 30)), 1],
];

describe('polygons for CVAT', () => {
  it.each(MASKS)('%s', async (_, mask, count) => {
    const { shapes } = await shapesOfMask(mask, WHERE, { form: 'polygon', tolerance: 1, minShare: 0.0005 });
    expect(shapes).toHaveLength(count);
    const filled = emptyMask(WIDTH, HEIGHT);
    for (const { points } of shapes) {
      // CVAT keeps two digits after the point.
      const ring = pairs(points).map(([x, y]): Point => [Math.round(100 * x) / 100, Math.round(100 * y) / 100]);
      expect(isSimple(ring)).toBe(true);
      fillPolygon(filled, [ring]);
    }
    expect(iou(filled.data, mask.data)).toBeGreaterThanOrEqual(0.95);
  });
});

describe('parts of a mask', () => {
  const two = drawn((x, y) => (x < 40 && y < 40) || (x >= 60 && x < 67 && y < 7) || (x >= 60 && x < 80 && y >= 30 && y < 50));

  it.each(['polygon', 'rectangle', 'ellipse'] as const)('as %ss leave out crumbs, whatever the image is large', async (form) => {
    const { shapes } = await shapesOfMask(two, WHERE, { form, tolerance: 1, minShare: 0.0005 });
    expect(shapes).toHaveLength(2);
  });

  it('stay in a mask, which is one shape', async () => {
    const { shapes, leftOut } = await shapesOfMask(two, WHERE, { form: 'mask', tolerance: 1, minShare: 0.0005 });
    const [shape, ...more] = shapes;
    expect(leftOut).toBe(0);
    expect(more).toHaveLength(0);
    expect(maskFromCvatRle(shape?.points ?? [], WIDTH, HEIGHT).data).toEqual(two.data);
  });
});
