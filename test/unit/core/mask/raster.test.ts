import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundingBox, drawStroke, emptyMask, fillBox, fillPolygon, maskArea, type Point } from '../../../../src/core/mask/raster.ts';
import { anyMarkedMask, anyMask, maskOf, textOf } from './any-mask.ts';

const coordinate = fc.double({ min: -20, max: 40, noNaN: true });

describe('fillBox', () => {
  test('fills from the rounded left and top up to the rounded right and bottom', () => {
    const mask = emptyMask(5, 4);
    fillBox(mask, [0.6, 1.4, 3.5, 2.6]);
    expect(textOf(mask)).toEqual(['.....', '.###.', '.###.', '.....']);
  });

  test('is cut to the mask and sets exactly the pixels inside', () => {
    fc.assert(
      fc.property(coordinate, coordinate, coordinate, coordinate, (x0, y0, x1, y1) => {
        const mask = emptyMask(17, 11);
        fillBox(mask, [x0, y0, x1, y1]);
        const inside = (x: number, y: number): boolean =>
          x >= Math.round(x0) && x < Math.round(x1) && y >= Math.round(y0) && y < Math.round(y1);
        expect(mask.data).toEqual(Uint8Array.from({ length: 17 * 11 }, (_, i) => (inside(i % 17, Math.floor(i / 17)) ? 1 : 0)));
      }),
    );
  });
});

describe('fillPolygon', () => {
  test('takes the pixels whose centres are inside; a ring inside another is a hole', () => {
    const mask = emptyMask(6, 6);
    const square = (from: number, to: number): Point[] => [
      [from, from],
      [to, from],
      [to, to],
      [from, to],
    ];
    fillPolygon(mask, [square(0, 6), square(2, 4)]);
    expect(textOf(mask)).toEqual(['######', '######', '##..##', '##..##', '######', '######']);
    const half = emptyMask(4, 4);
    fillPolygon(half, [
      [
        [0, 0],
        [4, 0],
        [0, 4],
      ],
    ]);
    expect(textOf(half).map((row) => row.replaceAll('.', ''))).toEqual(['###', '##', '#', '']);
  });

  test('agrees with the even-odd test of every pixel centre', () => {
    // Corners on the very rows of pixel centres are where an edge may be counted twice or not at all.
    const halves = fc.integer({ min: -8, max: 30 }).map((value) => value / 2);
    const corner = fc.oneof(fc.tuple(coordinate, coordinate), fc.tuple(halves, halves));
    const anyRing = fc.array(corner, { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(anyRing, { minLength: 1, maxLength: 3 }), (rings) => {
        const mask = emptyMask(13, 9);
        fillPolygon(mask, rings);
        mask.data.forEach((value, i) => {
          const [x, y] = [(i % 13) + 0.5, Math.floor(i / 13) + 0.5];
          let crossings = 0;
          let near = Infinity;
          for (const ring of rings) {
            ring.forEach(([ax, ay], j) => {
              const [bx, by] = ring[(j + 1) % ring.length] as Point;
              if (ay > y === by > y) return;
              const at = ax + ((y - ay) / (by - ay)) * (bx - ax);
              near = Math.min(near, Math.abs(at - x));
              if (at > x) crossings++;
            });
          }
          // A centre right on an edge may fall to either side.
          if (near > 1e-6) expect(value).toBe(crossings % 2);
        });
      }),
    );
  });
});

describe('drawStroke', () => {
  test('a single vertex leaves a disc, two leave a capsule', () => {
    const disc = emptyMask(7, 7);
    drawStroke(disc, [[3.5, 3.5]], 5);
    expect(textOf(disc)).toEqual(['.......', '..###..', '.#####.', '.#####.', '.#####.', '..###..', '.......']);
    const line = emptyMask(7, 3);
    drawStroke(
      line,
      [
        [1.5, 1.5],
        [5.5, 1.5],
      ],
      1,
    );
    expect(textOf(line)).toEqual(['.......', '.#####.', '.......']);
  });

  test('even the thinnest brush marks the pixel it is on', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 12.99, noNaN: true }), fc.double({ min: 0, max: 8.99, noNaN: true }), (x, y) => {
        const mask = emptyMask(13, 9);
        drawStroke(mask, [[x, y]], 0.01);
        expect(mask.data[Math.floor(y) * 13 + Math.floor(x)]).toBe(1);
      }),
    );
  });

  test('sets exactly the pixels whose centres lie within half the width of the path', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(coordinate, coordinate), { minLength: 2, maxLength: 5 }),
        fc.double({ min: 1.5, max: 12, noNaN: true }),
        (path, width) => {
          const mask = emptyMask(13, 9);
          drawStroke(mask, path, width);
          mask.data.forEach((value, i) => {
            const distance = distanceToPath([(i % 13) + 0.5, Math.floor(i / 13) + 0.5], path);
            if (Math.abs(distance - width / 2) > 1e-6) expect(value).toBe(distance < width / 2 ? 1 : 0);
          });
        },
      ),
    );
  });

  test('a brush as wide as the picture costs little more than a thin one', () => {
    const path = Array.from({ length: 3000 }, (_, i): Point => [(i * 7919) % 2000, (i * 104_729) % 1500]);
    const mask = emptyMask(2000, 1500);
    const started = performance.now();
    drawStroke(mask, path, 2000);
    expect(performance.now() - started).toBeLessThan(5000);
    expect(maskArea(mask)).toBe(mask.data.length);
  });
});

describe('boundingBox and maskArea', () => {
  test('the box is tight and undefined for an empty mask', () => {
    expect(boundingBox(maskOf('....', '....'))).toBeUndefined();
    expect(boundingBox(maskOf('....', '.#..', '...#'))).toEqual([1, 1, 4, 3]);
    fc.assert(
      fc.property(anyMarkedMask(20), (mask) => {
        const columns = mask.data.reduce<number[]>((list, value, i) => (value ? [...list, i % mask.width] : list), []);
        const rows = mask.data.reduce<number[]>((list, value, i) => (value ? [...list, Math.floor(i / mask.width)] : list), []);
        expect(boundingBox(mask)).toEqual([Math.min(...columns), Math.min(...rows), Math.max(...columns) + 1, Math.max(...rows) + 1]);
      }),
    );
  });

  test('the area is the number of set pixels, whatever their value', () => {
    expect(maskArea({ data: Uint8Array.of(0, 1, 255, 0, 3), width: 5, height: 1 })).toBe(3);
    fc.assert(
      fc.property(anyMask(20), (mask) => {
        expect(maskArea(mask)).toBe(mask.data.reduce((sum, value) => sum + value, 0));
      }),
    );
  });
});

/** Distance to the nearest of many points along the path would do; this is exact. */
function distanceToPath([x, y]: Point, path: readonly Point[]): number {
  return Math.min(
    ...path.slice(1).map(([bx, by], i) => {
      const [ax, ay] = path[i] as Point;
      const squared = (bx - ax) ** 2 + (by - ay) ** 2;
      const along = squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared));
      return Math.hypot(ax + along * (bx - ax) - x, ay + along * (by - ay) - y);
    }),
  );
}
