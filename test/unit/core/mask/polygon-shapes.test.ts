/** Polygons of masks of every kind: simple, apart, around the same pixels, with their holes. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { polygonsFromMaskSync, type PolygonOptions, type PolygonWithHoles } from '../../../../src/core/mask/polygon-groups.ts';
import { emptyMask, fillPolygon, maskArea } from '../../../../src/core/mask/raster.ts';
import { anyMarkedMask } from './any-mask.ts';
import { areApart, isSimple, twiceArea } from './simple-polygon.ts';

function drawn(width: number, height: number, isSet: (x: number, y: number) => boolean): BinaryMask {
  const mask = emptyMask(width, height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (isSet(x, y)) mask.data[y * width + x] = 1;
  return mask;
}

/** By centres of pixels, every polygon filled on its own. */
function iouOf(mask: BinaryMask, polygons: readonly PolygonWithHoles[]): number {
  const filled = emptyMask(mask.width, mask.height);
  for (const { exterior, holes } of polygons) {
    const one = emptyMask(mask.width, mask.height);
    fillPolygon(one, [exterior, ...holes]);
    one.data.forEach((value, at) => (filled.data[at] = (filled.data[at] as number) | value));
  }
  let [both, either] = [0, 0];
  mask.data.forEach((value, at) => {
    if (value !== 0 && filled.data[at] !== 0) both++;
    if (value !== 0 || filled.data[at] !== 0) either++;
  });
  return either === 0 ? 1 : both / either;
}

function expectSound(mask: BinaryMask, options: PolygonOptions): void {
  const polygons = polygonsFromMaskSync(mask, options);
  for (const { exterior, holes } of polygons) {
    expect(isSimple(exterior), 'a simple exterior').toBe(true);
    expect(twiceArea(exterior)).toBeGreaterThan(0);
    for (const [i, hole] of holes.entries()) {
      expect(isSimple(hole), 'a simple hole').toBe(true);
      expect(twiceArea(hole)).toBeLessThan(0);
      for (const other of [exterior, ...holes.slice(0, i)]) expect(areApart(hole, other), 'a hole that crosses nothing').toBe(true);
    }
    if (options.holes === 'slits') expect(holes).toEqual([]);
  }
  expect(iouOf(mask, polygons)).toBeGreaterThanOrEqual(0.95);
}

const away = (x: number, y: number): number => Math.hypot(x - 32, y - 32);
const THIN: [name: string, mask: BinaryMask, regions: number, holes: number][] = [
  ['an L of one pixel', drawn(64, 64, (x, y) => (x === 3 && y <= 60) || (y === 60 && x >= 3)), 1, 0],
  ['an L of two pixels', drawn(64, 64, (x, y) => (x >= 3 && x < 5 && y < 62) || (y >= 60 && y < 62 && x >= 3)), 1, 0],
  ['a sine curve', drawn(64, 64, (x, y) => Math.abs(y - 32 - 25 * Math.sin(x / 4)) < 4), 1, 0],
  ['a ring of one pixel', drawn(64, 64, (x, y) => away(x, y) < 25 && away(x, y) >= 23.5), 1, 1],
  ['rings in rings', drawn(64, 64, (x, y) => Math.floor(away(x, y) / 3) % 2 === 1 && away(x, y) < 30), 5, 5],
  ['a chequered mask', drawn(12, 12, (x, y) => (x + y) % 2 === 0), 72, 0],
  ['a diagonal of pixels', drawn(12, 12, (x, y) => x === y), 12, 0],
  ['holes in a row, corner to corner', drawn(12, 12, (x, y) => !(x === y && x > 0 && x < 11)), 1, 10],
  ['one pixel', drawn(9, 9, (x, y) => x === 4 && y === 4), 1, 0],
  ['a mesh', drawn(31, 31, (x, y) => x % 3 === 0 || y % 3 === 0), 1, 100],
  ['a hole beside the border', drawn(40, 40, (x, y) => Math.hypot(x - 20, y - 20) < 18 && !(x > 34 && x < 37 && y > 18 && y < 22)), 1, 1],
];

describe('polygonsFromMaskSync of thin things', () => {
  test.each(THIN)('%s keeps its pixels, regions and holes', (_, mask, regions, holes) => {
    for (const tolerance of [0, 1, 2, 5, 100]) {
      const polygons = polygonsFromMaskSync(mask, { tolerance });
      expect([polygons.length, polygons.reduce((sum, one) => sum + one.holes.length, 0)], `tolerance ${tolerance}`).toEqual([
        regions,
        holes,
      ]);
      for (const form of ['rings', 'slits'] as const) expectSound(mask, { tolerance, holes: form });
    }
  });
});

describe('polygonsFromMaskSync', () => {
  const tolerances = fc.constantFrom(0, 0.3, 1, 1.5, 3, 10, 100);
  const forms = fc.constantFrom('rings' as const, 'slits' as const);

  it('gives simple polygons around the same pixels, whatever the mask and the tolerance', () => {
    fc.assert(
      fc.property(anyMarkedMask(14), tolerances, forms, (mask, tolerance, holes) => expectSound(mask, { tolerance, holes })),
      { numRuns: 400, seed: 8 },
    );
  });

  it('does so for smooth blobs, lines and rings on top of each other', () => {
    const shape = fc.record({
      ring: fc.boolean(),
      off: fc.boolean(),
      x: fc.integer({ min: 0, max: 40 }),
      y: fc.integer({ min: 0, max: 40 }),
      size: fc.integer({ min: 1, max: 16 }),
      width: fc.integer({ min: 1, max: 4 }),
      slope: fc.integer({ min: -8, max: 8 }),
    });
    const masks = fc.array(shape, { minLength: 1, maxLength: 6 }).map((shapes) =>
      drawn(40, 40, (x, y) =>
        shapes.reduce((set, { ring, off, x: cx, y: cy, size, width, slope }) => {
          const distance = Math.hypot(x - cx, y - cy);
          const inside = ring ? distance < size && distance >= size - width : Math.abs(y - cy - (slope / 4) * (x - cx)) < width / 2;
          return inside ? !off : set;
        }, false),
      ),
    );
    fc.assert(
      fc.property(masks, tolerances, forms, (mask, tolerance, holes) => expectSound(mask, { tolerance, holes })),
      { numRuns: 150, seed: 8 },
    );
  });

  it('is as good and as short as the tolerance allows where nothing is thin', () => {
    const disc = drawn(300, 300, (x, y) => Math.hypot(x - 150, y - 150) < 120);
    const corners = (tolerance: number): number => (polygonsFromMaskSync(disc, { tolerance })[0] as PolygonWithHoles).exterior.length;
    expect(corners(0)).toBeGreaterThan(500);
    expect(corners(1)).toBeLessThan(80);
    expect(corners(4)).toBeLessThan(corners(1));
  });

  it('has the areas of its squares at no tolerance, as shapely counts them', () => {
    // shapely: box(...) of every run of pixels, unary_union(...).area.
    const disc = drawn(300, 300, (x, y) => Math.hypot(x - 150, y - 150) < 120 && Math.hypot(x - 150, y - 150) >= 40);
    const [one] = polygonsFromMaskSync(disc) as [PolygonWithHoles];
    expect((twiceArea(one.exterior) + one.holes.reduce((sum, hole) => sum + twiceArea(hole), 0)) / 2).toBe(maskArea(disc));
  });

  it('joins a ring to its hole by a slit that takes next to nothing', () => {
    const frame = drawn(20, 20, (x, y) => !(x >= 5 && x < 15 && y >= 5 && y < 15));
    const [{ exterior }] = polygonsFromMaskSync(frame, { holes: 'slits' }) as [PolygonWithHoles];
    // 400 - 100 pixels, less a slit of 5 x 0.02 (by hand).
    expect(twiceArea(exterior) / 2).toBeCloseTo(300 - 0.1, 9);
    expect(exterior).toHaveLength(12);
  });

  it('takes time that grows with the number of cells, not with its square', () => {
    const cells = (side: number): BinaryMask =>
      drawn(side * 8, side * 8, (x, y) => x % 8 > 0 && y % 8 > 0 && !(x % 8 > 2 && x % 8 < 5 && y % 8 > 2 && y % 8 < 5));
    expect(polygonsFromMaskSync(cells(180), { tolerance: 1 })).toHaveLength(180 * 180);
  });

  test.each([
    [{ tolerance: -1 }, 'tolerance'],
    [{ tolerance: 101 }, 'tolerance'],
    [{ tolerance: NaN }, 'tolerance'],
    [{ tolerance: Infinity }, 'tolerance'],
    [{ holes: 'none' as never }, 'holes'],
  ])('refuses %o', (options, name) => {
    expect(() => polygonsFromMaskSync(emptyMask(2, 2), options)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining(name) as string }),
    );
  });
});
