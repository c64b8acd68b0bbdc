import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { ringsFromMask } from '../../../../src/core/mask/polygon.ts';
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
    ['holes that touch at a corner', maskOf('####', '#.##', '##.#', '####'), 3],
    ['a hole that touches the outside at a corner', maskOf('.###', '#.##', '####'), 2],
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
        [1, 1],
        [4, 1],
        [4, 2],
        [1, 2],
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
