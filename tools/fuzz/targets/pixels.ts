/** Image files, run lengths and polygons. */
import sharp from 'sharp';
import { decodeBrushRleSync, encodeBrushRleSync } from '../../../src/core/mask/brush-rle.ts';
import { cvatRleFromMaskSync, maskFromCvatRle } from '../../../src/core/mask/cvat-rle.ts';
import { isProsamError, messageOf, ProsamError } from '../../../src/core/common/errors.ts';
import { seededRandom, uniformInt, type Random } from '../../../src/core/common/random.ts';
import { decodeMaskFile } from '../../../src/core/image/node/decode-mask.ts';
import { decodeImage } from '../../../src/core/image/node/decode.ts';
import type { Annotation } from '../../../src/core/mask/annotation.ts';
import { maskFromAnnotation } from '../../../src/core/mask/draw-annotation.ts';
import { polygonsFromMaskSync } from '../../../src/core/mask/polygon-groups.ts';
import { cocoRleFromMaskSync, maskFromCocoRle, type CocoRle } from '../../../src/core/mask/rle.ts';
import { sceneWith, type SceneWithTruth } from '../../../src/scenes/scene-with.ts';
import { damaged } from '../mutate.ts';
import { mutatedJson, type Json } from '../mutate-json.ts';
import { unexpected, type FuzzTarget, type Outcome } from '../target.ts';

const MAX_PIXELS = 1_000_000;

function shown(size: number): SceneWithTruth {
  let seed = 1;
  return sceneWith(36, () => seed++, size);
}

const of = <T>(all: readonly T[], random: Random): T => all[uniformInt(random, 0, all.length - 1)] as T;

/** OK, or a refusal with a code. first: messages of the first validation; later: codes that only come after it. */
async function outcomeOf(work: () => unknown, first: RegExp, later: readonly string[] = []): Promise<Outcome> {
  try {
    await work();
    return { code: 'OK', past: true };
  } catch (error) {
    return isProsamError(error)
      ? { code: error.code, past: later.includes(error.code) || !first.test(messageOf(error)) }
      : unexpected(error);
  }
}

export const IMAGES: FuzzTarget = {
  name: 'images',
  about: 'decodeImage and decodeMaskFile, ten formats',
  async open() {
    const { image } = shown(48);
    const plain = sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } });
    const seeds = await Promise.all([
      ...[plain.clone().png(), plain.clone().png({ palette: true }), plain.clone().toColourspace('rgb16').png()],
      ...[plain.clone().jpeg(), plain.clone().jpeg({ progressive: true }), plain.clone().webp(), plain.clone().gif()],
      ...[plain.clone().tiff({ compression: 'lzw' }), plain.clone().tiff({ compression: 'none' }), plain.clone().avif({ effort: 0 })],
    ].map((one) => one.toBuffer())); // prettier-ignore
    return {
      run: (seed) => {
        const random = seededRandom(seed);
        const bytes = damaged(of(seeds, random), of(seeds, random), random);
        const decode = random() < 0.7 ? decodeImage : decodeMaskFile;
        return outcomeOf(() => decode(bytes, 'fuzz', { maxPixels: MAX_PIXELS }), /do not begin like|is not supported/);
      },
    };
  },
};

/** Schemas of the requests take nothing else. @throws ANNOTATION_INVALID */
function listed(value: Json): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ProsamError('ANNOTATION_INVALID', 'expected a list, got something else.');
}

export const RLE: FuzzTarget = {
  name: 'run lengths',
  about: "COCO's text and runs, Label Studio's brush, CVAT's masks",
  perProcess: 200_000,
  open() {
    const { truth } = shown(64);
    const { width, height } = truth;
    const coco = cocoRleFromMaskSync(truth);
    const runs = { size: [height, width], counts: [10, 20, width * height - 30] };
    const [brush, cvat] = [[...encodeBrushRleSync(truth)], cvatRleFromMaskSync(truth)];
    const readers: (readonly [Json, (value: Json) => unknown])[] = [
      [coco as unknown as Json, (value) => maskFromCocoRle(value as unknown as CocoRle)],
      [runs, (value) => maskFromAnnotation({ rle: value } as unknown as Annotation, width, height)],
      [brush, (value) => decodeBrushRleSync(listed(value), width, height)],
      [cvat, (value) => maskFromCvatRle(listed(value), width, height)],
    ];
    return Promise.resolve({
      run: (seed) => {
        const random = seededRandom(seed);
        const [value, read] = of(readers, random);
        return outcomeOf(() => read(mutatedJson(value, random)), /size|expected a list|expected .* list|kind/);
      },
    });
  },
};

export const POLYGONS: FuzzTarget = {
  name: 'polygons',
  about: 'annotations in numbers, drawn, and outlined again',
  perProcess: 100_000,
  open() {
    const [width, height] = [64, 48];
    const ring = Array.from({ length: 24 }, (_, i) => [32 + 20 * Math.cos(i / 4), 24 + 20 * Math.sin(i / 4)]);
    const seeds: readonly Json[] = [
      { polygon: ring },
      { polygon: [ring, ring.map(([x = 0, y = 0]) => [16 + x / 2, 12 + y / 2])] },
      { box: [4, 5, 40, 30] },
      { points: [[10, 10], [20, 20]], negative: [[1, 1]] }, // prettier-ignore
      { scribble: [[[1, 1], [30, 30], [50, 2]]], width: 3 }, // prettier-ignore
    ];
    return Promise.resolve({
      run: (seed) => {
        const random = seededRandom(seed);
        const annotation = mutatedJson(of(seeds, random), random) as unknown as Annotation;
        const work = (): void => {
          const mask = maskFromAnnotation(annotation, width, height);
          if (mask.data.length !== width * height) throw new Error(`a mask of ${mask.data.length} pixels`);
          polygonsFromMaskSync(mask, { tolerance: random() * 3 });
        };
        return outcomeOf(work, /./, ['ANNOTATION_OUTSIDE', 'MASK_EMPTY']);
      },
    });
  },
};
