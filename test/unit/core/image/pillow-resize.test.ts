/**
 * The port against Pillow 12.3.0. pillow-resize.fixture.json holds, for each case,
 *   Image.fromarray(levels).resize((toWidth, toHeight), Image.Resampling.BILINEAR)
 * as bytes in base64, where levels [height, width, channels] come from `levelsOf` below. 3000 further random cases (sides up
 * to 700, 1 and 3 channels) agreed to the last bit when the fixture was made.
 *
 * Every Pillow before 13 resizes the rows first, as the networks' training code did. Pillow 13.0.0 resizes the columns first
 * where height - toHeight > 2 * (width - toWidth) and > 0, which changes some levels by one (a fifth of the cases above).
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pillowResize, type Raster } from '../../../../src/core/image/pillow-resize.ts';

interface PillowCase {
  seed: number;
  /** Black and white instead of all levels. */
  contrast: boolean;
  width: number;
  height: number;
  channels: number;
  toWidth: number;
  toHeight: number;
  resized: string;
}

const fixture = JSON.parse(readFileSync(new URL('pillow-resize.fixture.json', import.meta.url), 'utf8')) as {
  pillow: string;
  cases: PillowCase[];
};

/** seed = (seed * 1664525 + 1013904223) % 2**32; level = seed >> 24 */
function levelsOf({ seed, contrast, width, height, channels }: PillowCase): Raster {
  const data = new Uint8Array(width * height * channels);
  let state = seed;
  data.forEach((_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const level = state >>> 24;
    data[i] = contrast ? (level > 127 ? 255 : 0) : level;
  });
  return { data, width, height, channels };
}

test.each(fixture.cases)('$width x $height x $channels to $toWidth x $toHeight as Pillow has it, bit for bit', (reference) => {
  const resized = pillowResize(levelsOf(reference), reference.toWidth, reference.toHeight);
  expect([resized.width, resized.height, resized.channels]).toEqual([reference.toWidth, reference.toHeight, reference.channels]);
  expect([...resized.data]).toEqual([...Buffer.from(reference.resized, 'base64')]);
});

test('the fixture was made by Pillow 12.3.0 and shrinks, enlarges and keeps each side', () => {
  expect(fixture.pillow).toBe('12.3.0');
  const changes = fixture.cases.map(
    ({ width, height, toWidth, toHeight }) => `${Math.sign(toWidth - width)} ${Math.sign(toHeight - height)}`,
  );
  expect(new Set(changes)).toEqual(new Set(['-1 -1', '0 0', '1 1', '-1 1', '1 -1', '0 1', '-1 0']));
});

describe('at any size', () => {
  const side = fc.integer({ min: 1, max: 30 });
  const anyRaster = fc
    .tuple(side, side, fc.constantFrom(1, 3, 4))
    .chain(([width, height, channels]) =>
      fc
        .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
        .map((data): Raster => ({ data, width, height, channels })),
    );

  test('a picture of one level stays at that level', () => {
    fc.assert(
      fc.property(anyRaster, side, side, fc.integer({ min: 0, max: 255 }), (image, width, height, level) => {
        const { data } = pillowResize({ ...image, data: image.data.map(() => level) }, width, height);
        expect(data).toEqual(new Uint8Array(width * height * image.channels).fill(level));
      }),
    );
  });

  test('channels do not mix, and no level leaves the range of its channel', () => {
    fc.assert(
      fc.property(anyRaster, side, side, (image, width, height) => {
        const resized = pillowResize(image, width, height);
        for (let c = 0; c < image.channels; c++) {
          const plane = (from: Raster): Uint8Array => from.data.filter((_, i) => i % from.channels === c);
          const alone = pillowResize({ ...image, data: plane(image), channels: 1 }, width, height);
          expect(alone.data).toEqual(plane(resized));
          expect(Math.min(...alone.data)).toBeGreaterThanOrEqual(Math.min(...plane(image)));
          expect(Math.max(...alone.data)).toBeLessThanOrEqual(Math.max(...plane(image)));
        }
      }),
    );
  });

  test('the image it was given keeps its pixels; the same size gives the same pixels', () => {
    fc.assert(
      fc.property(anyRaster, side, side, (image, width, height) => {
        const before = image.data.slice();
        pillowResize(image, width, height);
        expect(image.data).toEqual(before);
        expect(pillowResize(image, image.width, image.height).data).toEqual(before);
      }),
    );
  });
});
