import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { polygonsFromMaskSync } from '../../../../src/core/mask/polygon-groups.ts';
import { anyMask } from './any-mask.ts';
import { emptyMask, fillPolygon } from '../../../../src/core/mask/raster.ts';

function mask(rows: readonly string[]) {
  const width = (rows[0] as string).length;
  return { data: Uint8Array.from(rows.join(''), (char) => (char === '#' ? 1 : 0)), width, height: rows.length };
}

describe('polygonsFromMaskSync', () => {
  it('gives every hole to the region around it', () => {
    const nested = mask(['#######', '#.....#', '#.###.#', '#.#.#.#', '#.###.#', '#.....#', '#######']);
    const polygons = polygonsFromMaskSync(nested);
    expect(polygons.map(({ exterior, holes }) => [exterior.length, holes.length])).toEqual([
      [4, 1],
      [4, 1],
    ]);
    const [inner, outer] = polygons as [(typeof polygons)[number], (typeof polygons)[number]];
    expect(inner.exterior).toContainEqual([2, 2]);
    expect(outer.exterior).toContainEqual([0, 0]);
  });

  it('keeps every ring, whatever the mask', () => {
    const masks = fc
      .tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 }))
      .chain(([width, height]) =>
        fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }).map((data) => ({ data, width, height })),
      );
    fc.assert(
      fc.property(masks, (random) => {
        const filled = emptyMask(random.width, random.height);
        fillPolygon(
          filled,
          polygonsFromMaskSync(random).flatMap(({ exterior, holes }) => [exterior, ...holes]),
        );
        expect(filled.data).toEqual(random.data);
      }),
      { numRuns: 300 },
    );
  });

  it('covers each region with one polygon and its own holes alone', () => {
    fc.assert(
      fc.property(anyMask(16), (random) => {
        const covered = emptyMask(random.width, random.height);
        for (const { exterior, holes } of polygonsFromMaskSync(random)) {
          const one = emptyMask(random.width, random.height);
          fillPolygon(one, [exterior, ...holes]);
          one.data.forEach((value, i) => {
            if (value === 1) covered.data[i] = (covered.data[i] as number) + 1;
          });
        }
        expect(covered.data).toEqual(random.data);
      }),
      { numRuns: 300 },
    );
  });
});
