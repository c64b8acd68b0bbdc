import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { ringsFromMask, simplifyRing } from '../../../../src/core/mask/polygon.ts';
import { emptyMask, fillPolygon, type Point } from '../../../../src/core/mask/raster.ts';
import { anyMask, maskOf, textOf } from './any-mask.ts';

function filledBack(mask: BinaryMask, rings: readonly (readonly Point[])[]): string[] {
  const out = emptyMask(mask.width, mask.height);
  fillPolygon(out, rings);
  return textOf(out);
}

/** Twice the area; positive when the ring runs clockwise on screen. */
function signedArea(ring: readonly Point[]): number {
  return ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length] as Point;
    return sum + x * nextY - nextX * y;
  }, 0);
}

function distanceToRing([x, y]: Point, ring: readonly Point[]): number {
  return Math.min(
    ...ring.map(([ax, ay], i) => {
      const [bx, by] = ring[(i + 1) % ring.length] as Point;
      const squared = (bx - ax) ** 2 + (by - ay) ** 2;
      const along = squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared));
      return Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay));
    }),
  );
}

describe('ringsFromMask', () => {
  const shapes: [name: string, mask: BinaryMask, rings: number][] = [
    ['one pixel', maskOf('#'), 1],
    ['one pixel inside', maskOf('...', '.#.', '...'), 1],
    ['a full mask', maskOf('###', '###'), 1],
    ['an empty mask', maskOf('...', '...'), 0],
    ['a ring: outline and hole', maskOf('####', '#..#', '#..#', '####'), 2],
    ['an island in a hole', maskOf('#####', '#...#', '#.#.#', '#...#', '#####'), 3],
    ['pixels that touch at a corner', maskOf('#.', '.#'), 2],
    ['pixels that touch at the other corner', maskOf('.#', '#.'), 2],
    ['holes that touch at a corner', maskOf('####', '#.##', '##.#', '####'), 2],
    ['a hole that touches the outside at a corner', maskOf('.###', '#.##', '####'), 1],
    ['every border', maskOf('#.#', '...', '#.#'), 4],
    ['a chequered mask', maskOf('#.#.', '.#.#', '#.#.'), 6],
  ];
  test.each(shapes)('%s fills back to the same mask', (_, mask, rings) => {
    const found = ringsFromMask(mask);
    expect(filledBack(mask, found)).toEqual(textOf(mask));
    expect(found.length).toBe(rings);
  });

  test('any mask fills back to exactly the same mask', () => {
    fc.assert(
      fc.property(anyMask(24), (mask) => {
        expect(filledBack(mask, ringsFromMask(mask))).toEqual(textOf(mask));
      }),
      { numRuns: 400 },
    );
  });

  test('corners are whole pixels, and no corner lies on a straight line or is repeated', () => {
    expect(ringsFromMask(maskOf('.....', '.###.', '.....'))).toEqual([
      [
        [4, 1],
        [4, 2],
        [1, 2],
        [1, 1],
      ],
    ]);
    fc.assert(
      fc.property(anyMask(16), (mask) => {
        for (const ring of ringsFromMask(mask)) {
          ring.forEach(([x, y], i) => {
            const [nextX, nextY] = ring[(i + 1) % ring.length] as Point;
            const [afterX, afterY] = ring[(i + 2) % ring.length] as Point;
            expect(Number.isInteger(x) && Number.isInteger(y)).toBe(true);
            expect((x === nextX) !== (y === nextY)).toBe(true);
            expect((x === nextX) !== (nextX === afterX)).toBe(true);
            expect((y === nextY) !== (nextY === afterY)).toBe(true);
          });
        }
      }),
    );
  });

  test('outer rings run clockwise, holes the other way, and their areas add up to the pixels', () => {
    const [outer, hole] = ringsFromMask(maskOf('###', '#.#', '###')) as [Point[], Point[]];
    expect([signedArea(outer), signedArea(hole)]).toEqual([18, -2]);
    fc.assert(
      fc.property(anyMask(20), (mask) => {
        const pixels = mask.data.reduce((sum, value) => sum + value, 0);
        expect(ringsFromMask(mask).reduce((sum, ring) => sum + signedArea(ring), 0)).toBe(2 * pixels);
      }),
    );
  });
});

describe('simplifyRing', () => {
  const coordinate = fc.integer({ min: 0, max: 60 });
  const anyRing = fc.array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 60 });
  const anyTolerance = fc.integer({ min: 0, max: 80 }).map((value) => value / 7);

  test('keeps a subsequence of at least three corners, and none it drops lies farther off than the tolerance', () => {
    fc.assert(
      fc.property(anyRing, anyTolerance, (ring, tolerance) => {
        const simple = simplifyRing(ring, tolerance);
        expect(simple.length).toBeGreaterThanOrEqual(3);
        let at = 0;
        for (const corner of ring) if (corner === simple[at]) at++;
        expect(at).toBe(simple.length);
        for (const corner of ring) expect(distanceToRing(corner, simple)).toBeLessThanOrEqual(tolerance + 1e-9);
      }),
      { numRuns: 500 },
    );
  });

  test('keeps outlines of real masks within the tolerance, too', () => {
    fc.assert(
      fc.property(anyMask(24), anyTolerance, (mask, tolerance) => {
        for (const ring of ringsFromMask(mask)) {
          const simple = simplifyRing(ring, tolerance);
          expect(simple.length).toBeGreaterThanOrEqual(3);
          for (const corner of ring) expect(distanceToRing(corner, simple)).toBeLessThanOrEqual(tolerance + 1e-9);
        }
      }),
    );
  });

  test('drops what a straight line explains', () => {
    const staircase: Point[] = Array.from({ length: 40 }, (_, i): Point => [Math.ceil(i / 2), Math.floor(i / 2)]);
    const simple = simplifyRing([...staircase, [0, 20]], 1);
    expect(simple.length).toBeLessThanOrEqual(4);
    const box: Point[] = [
      [0, 0],
      [5, 0],
      [10, 0],
      [10, 10],
      [0, 10],
    ];
    expect(simplifyRing(box, 0.1)).toEqual([
      [0, 0],
      [10, 0],
      [10, 10],
      [0, 10],
    ]);
  });

  test('keeps everything at no tolerance, and never falls below three corners however large it is', () => {
    const [ring] = ringsFromMask(maskOf('.#.', '###', '.#.')) as [Point[]];
    expect(simplifyRing(ring, 0)).toEqual(ring);
    expect(simplifyRing(ring, -1)).toEqual(ring);
    expect(simplifyRing(ring, Infinity).length).toBeGreaterThanOrEqual(3);
    expect(simplifyRing(ring, NaN).length).toBeGreaterThanOrEqual(3);
  });

  test('does not change the ring it was given', () => {
    const ring = Object.freeze(ringsFromMask(maskOf('.#.', '###', '.#.'))[0] as Point[]);
    const before = structuredClone(ring);
    simplifyRing(ring, 5);
    expect(ring).toEqual(before);
  });

  test('ends on rings without extent and on very long ones', () => {
    const spot: Point[] = Array.from({ length: 50 }, (): Point => [3, 3]);
    expect(simplifyRing(spot, 1).length).toBeGreaterThanOrEqual(3);
    const comb: Point[] = Array.from({ length: 10_000 }, (_, i): Point => [i, (i % 2) * 10]);
    expect(simplifyRing(comb, 0.5).length).toBe(10_000);
    const circle: Point[] = Array.from({ length: 20_000 }, (_, i): Point => [Math.cos(i / 3183) * 100, Math.sin(i / 3183) * 100]);
    expect(simplifyRing(circle, 0.5).length).toBeLessThan(100);
  });
});
