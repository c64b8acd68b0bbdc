import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boxMaskFromMask, pointsFromMask, SCRIBBLE_PRESETS, scribbleFromMask } from '../../../../src/core/mask/simulate-annotations.ts';
import { maskFromAnnotation } from '../../../../src/core/mask/draw-annotation.ts';
import { boundingBox, emptyMask, fillBox, maskArea } from '../../../../src/core/mask/raster.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { anyMarkedMask, anyMask, maskOf, textOf } from './any-mask.ts';

const anySeed = fc.integer();
const anyCount = fc.integer({ min: 1, max: 20 });
const anyPreset = fc.constantFrom(...(Object.keys(SCRIBBLE_PRESETS) as (keyof typeof SCRIBBLE_PRESETS)[]));

function largeBox() {
  const mask = emptyMask(120, 90);
  fillBox(mask, [10, 10, 110, 80]);
  return mask;
}

describe('pointsFromMask', () => {
  test('distinct pixel centres of the mask, as many as asked for or as there are', () => {
    fc.assert(
      fc.property(anyMask(16), anyCount, anySeed, (mask, count, seed) => {
        const points = pointsFromMask(mask, count, seededRandom(seed));
        expect(points.length).toBe(Math.min(count, maskArea(mask)));
        expect(new Set(points.map(String)).size).toBe(points.length);
        for (const [x, y] of points) {
          expect([x % 1, y % 1]).toEqual([0.5, 0.5]);
          expect(mask.data[Math.floor(y) * mask.width + Math.floor(x)]).toBe(1);
        }
      }),
    );
  });

  test('are a valid annotation of that mask', () => {
    fc.assert(
      fc.property(anyMarkedMask(16), anyCount, anySeed, (mask, count, seed) => {
        const points = pointsFromMask(mask, count, seededRandom(seed));
        const marked = maskFromAnnotation({ points }, mask.width, mask.height);
        expect(maskArea(marked)).toBe(points.length);
      }),
    );
  });

  test('the seed decides', () => {
    const points = (seed: number) => pointsFromMask(largeBox(), 10, seededRandom(seed));
    expect(points(7)).toEqual(points(7));
    expect(new Set(Array.from({ length: 30 }, (_, seed) => String(points(seed)))).size).toBe(30);
  });

  test('every pixel has the same chance', () => {
    const mask = maskOf('##.', '.##');
    const hits = new Map<string, number>();
    const random = seededRandom(5);
    for (let i = 0; i < 4000; i++) {
      const key = String(pointsFromMask(mask, 1, random)[0]);
      hits.set(key, (hits.get(key) ?? 0) + 1);
    }
    expect(hits.size).toBe(4);
    for (const count of hits.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('boxMaskFromMask', () => {
  test('fills the tight box; an empty mask stays empty', () => {
    expect(textOf(boxMaskFromMask(maskOf('.....', '..#..', '...#.')))).toEqual(['.....', '..##.', '..##.']);
    expect(maskArea(boxMaskFromMask(emptyMask(5, 4)))).toBe(0);
    fc.assert(
      fc.property(anyMarkedMask(16), (mask) => {
        const box = boxMaskFromMask(mask);
        const [x0, y0, x1, y1] = boundingBox(mask) as [number, number, number, number];
        expect(boundingBox(box)).toEqual([x0, y0, x1, y1]);
        expect(maskArea(box)).toBe((x1 - x0) * (y1 - y0));
      }),
    );
  });
});

describe('scribbleFromMask', () => {
  test('marks pixels of the mask only, and at least one if there is one', () => {
    fc.assert(
      fc.property(anyMask(24), anyCount, anyPreset, anySeed, (mask, count, preset, seed) => {
        const scribble = scribbleFromMask(mask, count, preset, seededRandom(seed));
        expect([scribble.width, scribble.height]).toEqual([mask.width, mask.height]);
        scribble.data.forEach((value, i) => {
          if (value !== 0 && mask.data[i] === 0) throw new Error(`pixel ${i} lies outside the mask`);
        });
        expect(maskArea(scribble) > 0).toBe(maskArea(mask) > 0);
        expect(scribble.data.every((value) => value <= 1)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('leaves the mask as it was', () => {
    const mask = largeBox();
    const before = mask.data.slice();
    scribbleFromMask(mask, 9, 'rand_curve', seededRandom(1));
    expect(mask.data).toEqual(before);
  });

  test.each(Object.keys(SCRIBBLE_PRESETS) as (keyof typeof SCRIBBLE_PRESETS)[])('%s: the seed decides', (preset) => {
    const scribble = (seed: number) => scribbleFromMask(largeBox(), 5, preset, seededRandom(seed));
    expect(scribble(3)).toEqual(scribble(3));
    expect(new Set(Array.from({ length: 20 }, (_, seed) => String(scribble(seed).data))).size).toBe(20);
  });

  test('more strokes mark more on average, the small preset less', () => {
    const mean = (strokes: number, preset: keyof typeof SCRIBBLE_PRESETS): number => {
      const random = seededRandom(11);
      return Array.from({ length: 30 }, () => maskArea(scribbleFromMask(largeBox(), strokes, preset, random))).reduce((a, b) => a + b) / 30;
    };
    expect(mean(6, 'rand_curve')).toBeGreaterThan(1.5 * mean(1, 'rand_curve'));
    expect(mean(3, 'rand_curve_small')).toBeLessThan(mean(3, 'rand_curve'));
  });
});
