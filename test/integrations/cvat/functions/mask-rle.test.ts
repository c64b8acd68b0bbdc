/** CVAT's masks, held against what CVAT's own library makes of them. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatBitmap, rowsBitmap } from '../../../../src/adapters/cvat/nuclio/bitmap-json.ts';
import { checkCvatRle, cvatRleFromMaskSync, cvatRleFromMask, maskFromCvatRle, type PixelBox } from '../../../../src/core/mask/cvat-rle.ts';
import { cropMask, largestOutline } from '../../../../src/adapters/cvat/nuclio/crop.ts';
import { isProsamError } from '../../../../src/core/common/errors.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { boundingBox } from '../../../../src/core/mask/raster.ts';
import { traffic } from './traffic.ts';

interface Vector {
  name: string;
  image_width: number;
  image_height: number;
  bbox: [number, number, number, number] | null;
  bitmap_packbits_b64?: string;
  bitmap_packbits_sha256?: string;
  area: number;
  encoded: number[];
  decoded_area: number;
  lambda_mask?: number[];
}
interface Refused {
  why: string;
  encoded: unknown[];
  image_width: number;
  image_height: number;
}
const { vectors, floats, invalid } = traffic<{ vectors: Vector[]; floats: (Refused & { same_as: string })[]; invalid: Refused[] }>(
  'mask_rle_vectors',
);

function unpacked(text: string, width: number, height: number): BinaryMask {
  const bytes = Buffer.from(text, 'base64');
  const data = Uint8Array.from({ length: width * height }, (_, i) => ((bytes[i >> 3] as number) >> (7 - (i & 7))) & 1);
  return { data, width, height };
}

function packed({ data }: BinaryMask): Buffer {
  const bytes = Buffer.alloc(Math.ceil(data.length / 8));
  data.forEach((value, i) => (bytes[i >> 3] = (bytes[i >> 3] as number) | (value << (7 - (i & 7)))));
  return bytes;
}

const maskArbitrary = fc.tuple(fc.integer({ min: 1, max: 23 }), fc.integer({ min: 1, max: 17 })).chain(([width, height]) =>
  fc.array(fc.constantFrom(0, 0, 1), { minLength: width * height, maxLength: width * height }).map((list) => ({
    data: Uint8Array.from(list),
    width,
    height,
  })),
);

describe("CVAT's masks", () => {
  it('reads every vector', () => {
    expect(vectors.length).toBeGreaterThan(30);
    for (const { name, encoded, image_width, image_height, decoded_area, bbox, ...rest } of vectors) {
      const mask = maskFromCvatRle(encoded, image_width, image_height);
      expect(
        mask.data.reduce((sum, value) => sum + value, 0),
        name,
      ).toBe(decoded_area);
      if (bbox !== null) continue; // what lies outside the given box is not in the encoding
      const bytes = packed(mask);
      if (rest.bitmap_packbits_b64 !== undefined) expect(bytes.toString('base64'), name).toBe(rest.bitmap_packbits_b64);
      else expect(createHash('sha256').update(bytes).digest('hex'), name).toBe(rest.bitmap_packbits_sha256);
    }
  });

  it('writes every vector, number by number', async () => {
    let written = 0;
    for (const { name, encoded, image_width, image_height, bbox, bitmap_packbits_b64 } of vectors) {
      const mask =
        bitmap_packbits_b64 === undefined
          ? maskFromCvatRle(encoded, image_width, image_height)
          : unpacked(bitmap_packbits_b64, image_width, image_height);
      const box: PixelBox | undefined = bbox
        ? [Math.floor(bbox[0]), Math.floor(bbox[1]), Math.ceil(bbox[2]), Math.ceil(bbox[3])]
        : undefined;
      expect(cvatRleFromMaskSync(mask, box), name).toEqual(encoded);
      if (box === undefined) expect(await cvatRleFromMask(mask), name).toEqual(encoded);
      written++;
    }
    expect(written).toBe(vectors.length);
  });

  it('writes what a detector answers: the bitmap of the box, then its inclusive sides', async () => {
    let compared = 0;
    for (const { name, bitmap_packbits_b64, image_width, image_height, bbox, lambda_mask, area } of vectors) {
      if (bitmap_packbits_b64 === undefined || lambda_mask === undefined || bbox !== null || area === 0) continue;
      const mask = unpacked(bitmap_packbits_b64, image_width, image_height);
      const box = boundingBox(mask) as PixelBox;
      const bytes = await flatBitmap(cropMask(mask, box), [box[0], box[1], box[2] - 1, box[3] - 1]);
      expect(JSON.parse(bytes.toString()), name).toEqual(lambda_mask);
      compared++;
    }
    expect(compared).toBeGreaterThan(20);
  });

  it('takes whole numbers written as 3.0, as the server sends them', () => {
    for (const { encoded, image_width, image_height, same_as } of floats) {
      const same = vectors.find(({ name }) => name === same_as) as Vector;
      const text = JSON.parse(JSON.stringify(encoded)) as number[];
      expect(maskFromCvatRle(text, image_width, image_height)).toEqual(maskFromCvatRle(same.encoded, image_width, image_height));
    }
    expect(floats.length).toBeGreaterThan(5);
  });

  it.each(invalid)('refuses $why', ({ encoded, image_width, image_height }) => {
    let thrown: unknown;
    try {
      checkCvatRle(encoded, image_width, image_height);
    } catch (error) {
      thrown = error;
    }
    expect(isProsamError(thrown) && ['ANNOTATION_INVALID', 'ANNOTATION_OUTSIDE'].includes(thrown.code)).toBe(true);
    expect(() => maskFromCvatRle(encoded, image_width, image_height)).toThrow(/CVAT mask: /);
  });

  it('loses no pixel of any mask', () => {
    fc.assert(
      fc.property(maskArbitrary, (mask) => {
        const points = cvatRleFromMaskSync(mask);
        expect(maskFromCvatRle(points, mask.width, mask.height)).toEqual(mask);
        expect(checkCvatRle(points, mask.width, mask.height)).toEqual(boundingBox(mask) ?? [0, 0, 1, 1]);
      }),
    );
  });

  it('refuses every mask with one number changed, or reads it as a sound other one', () => {
    fc.assert(
      fc.property(maskArbitrary, fc.nat(), fc.integer({ min: -3, max: 30 }), (mask, at, value) => {
        const points: number[] = cvatRleFromMaskSync(mask);
        points[at % points.length] = value;
        try {
          const box = checkCvatRle(points, mask.width, mask.height);
          expect(box[2]).toBeLessThanOrEqual(mask.width);
          expect(box[3]).toBeLessThanOrEqual(mask.height);
        } catch (error) {
          expect(isProsamError(error)).toBe(true);
        }
      }),
    );
  });

  it('writes lists of zeros and ones that any reader of JSON takes', async () => {
    await fc.assert(
      fc.asyncProperty(maskArbitrary, async (mask) => {
        const { data, width, height } = mask;
        expect(JSON.parse((await flatBitmap(mask, [4, 5, 6, 7])).toString())).toEqual([...data, 4, 5, 6, 7]);
        const rows = Array.from({ length: height }, (_, y) => [...data.subarray(y * width, (y + 1) * width)]);
        expect(JSON.parse((await rowsBitmap(mask)).toString())).toEqual(rows);
      }),
    );
  });

  it('outlines the largest region in the coordinates of the image', async () => {
    const mask: BinaryMask = { data: new Uint8Array(12 * 10), width: 12, height: 10 };
    for (const [x, y] of [
      [1, 1],
      [5, 4],
      [6, 4],
      [5, 5],
      [6, 5],
    ] as const)
      mask.data[y * 12 + x] = 1;
    const crop = cropMask(mask, [1, 1, 7, 6]);
    expect(await largestOutline(crop, [1, 1, 7, 6], 0)).toEqual([
      [5, 4],
      [7, 4],
      [7, 6],
      [5, 6],
    ]);
  });
});
