import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBrushRleSync, decodeBrushRle, encodeBrushRleSync, encodeBrushRle } from '../../../src/core/mask/brush-rle.ts';
import { isProsamError } from '../../../src/core/common/errors.ts';
import { alphaPng, maskFromAlphaPng } from '../../../src/core/image/node/alpha-png.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';
import { maskExtent } from '../../../src/core/mask/raster.ts';
import { anyMask } from '../../unit/core/mask/any-mask.ts';
import { onThisMachine, watchBusy } from '../../support/busy-watch.ts';

interface Vectors {
  vectors: {
    name: string;
    encoder: string;
    exact: boolean;
    width: number;
    height: number;
    alphaRuns: [alpha: number, length: number][];
    rle: string;
  }[];
  invalid: { name: string; width: number; height: number; rle: unknown[] }[];
}

/** Made with Label Studio's own converter, the library its editor uses, and its editor itself. */
const { vectors, invalid } = JSON.parse(
  gunzipSync(readFileSync(new URL('rle-vectors.json.gz', import.meta.url))).toString('utf8'),
) as Vectors;

function maskOf({ width, height, alphaRuns }: Vectors['vectors'][number]): BinaryMask {
  const data = new Uint8Array(width * height);
  let at = 0;
  for (const [alpha, length] of alphaRuns) {
    if (alpha >= 128) data.fill(1, at, at + length);
    at += length;
  }
  return { data, width, height };
}

const masks = fc
  .record({
    width: fc.integer({ min: 1, max: 60 }),
    height: fc.integer({ min: 1, max: 60 }),
    seed: fc.array(fc.nat(700), { maxLength: 60 }),
  })
  .map(({ width, height, seed }): BinaryMask => {
    const data = new Uint8Array(width * height);
    let at = 0;
    seed.forEach((length, i) => data.fill(i % 2, at, (at += length)));
    return { data, width, height };
  });

describe('brush masks', () => {
  it('are read exactly, whoever wrote them', () => {
    expect(vectors.length).toBe(212);
    for (const vector of vectors) {
      const { data } = decodeBrushRleSync(Buffer.from(vector.rle, 'base64'), vector.width, vector.height);
      expect(Buffer.compare(data, maskOf(vector).data), vector.name).toBe(0);
    }
  });

  it("are written byte for byte as by Label Studio's own converter", () => {
    const exact = vectors.filter((vector) => vector.exact);
    expect(exact.length).toBe(94);
    for (const vector of exact) expect(Buffer.from(encodeBrushRleSync(maskOf(vector))).toString('base64'), vector.name).toBe(vector.rle);
  });

  it.each(invalid)('are refused: $name', ({ rle, width, height }) => {
    expect(() => decodeBrushRleSync(rle, width, height)).toThrow(expect.objectContaining({ code: 'ANNOTATION_INVALID' }));
  });

  it('come back as they were', async () => {
    await fc.assert(
      fc.asyncProperty(masks, async (mask) => {
        const bytes = encodeBrushRleSync(mask);
        expect(Buffer.compare(decodeBrushRleSync(Array.from(bytes), mask.width, mask.height).data, mask.data)).toBe(0);
        expect(await encodeBrushRle(mask)).toEqual(bytes);
        expect(await decodeBrushRle(bytes, mask.width, mask.height)).toEqual(mask);
      }),
    );
  });

  it('are refused wherever they are cut off', () => {
    const vector = vectors.find(({ name }) => name === 'noise_8x8') as Vectors['vectors'][number];
    const bytes = Buffer.from(vector.rle, 'base64');
    // The last byte may be nothing but padding.
    for (let length = 0; length < bytes.length - 1; length++) {
      expect(() => decodeBrushRleSync(bytes.subarray(0, length), 8, 8), `${length} bytes`).toThrow('Brush RLE');
    }
  });

  it('never fail in any other way, and never hold more than the image', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (bytes, width, height) => {
          const header = Buffer.concat([Buffer.alloc(4), bytes]);
          header.writeUInt32BE(4 * width * height);
          try {
            expect(decodeBrushRleSync(header, width, height).data.length).toBe(width * height);
          } catch (error) {
            expect(isProsamError(error)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of a hundred megapixels leave the event loop to others', async () => {
    const mask = { data: new Uint8Array(8000 * 6000).fill(1, 1000, 40_000_000), width: 8000, height: 6000 };
    const busy = watchBusy();
    const bytes = await encodeBrushRle(mask);
    const back = await decodeBrushRle(bytes, 8000, 6000);
    const longest = busy.longestMs();
    busy.stop();
    expect(Buffer.compare(back.data, mask.data)).toBe(0);
    // Whole runs of one value take one step.
    expect(longest).toBeLessThan(onThisMachine(250));
  });

  it('are the same where nothing is read outside the box of what is marked', async () => {
    await fc.assert(
      fc.asyncProperty(anyMask(9), async (mask) => {
        const { boxXyxy } = maskExtent(mask);
        expect(await encodeBrushRle(mask, undefined, undefined, boxXyxy)).toEqual(encodeBrushRleSync(mask));
      }),
    );
  });

  it('of a mask cut to its box are those of the whole image', async () => {
    const anyCut = fc.tuple(anyMask(9), fc.nat(5), fc.nat(5), fc.nat(5), fc.nat(5)).map(([mask, left, top, right, bottom]) => ({
      mask,
      place: { x0: left, y0: top, width: left + mask.width + right, height: top + mask.height + bottom },
    }));
    await fc.assert(
      fc.asyncProperty(anyCut, async ({ mask, place }) => {
        const data = new Uint8Array(place.width * place.height);
        for (let y = 0; y < mask.height; y++)
          data.set(mask.data.subarray(y * mask.width, (y + 1) * mask.width), (place.y0 + y) * place.width + place.x0);
        const whole = { data, width: place.width, height: place.height };
        expect(await encodeBrushRle(mask, undefined, place)).toEqual(encodeBrushRleSync(whole));
        const png = await alphaPng(mask, place);
        expect((await maskFromAlphaPng(png, place.width, place.height)).data).toEqual(data);
      }),
      { numRuns: 60 },
    );
  });
});
