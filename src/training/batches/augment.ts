/**
 * Altered copies of a training pair, off by default: the public code trains without any. The frozen networks must see an
 * altered image anew, so there are few alterations, each computed once an image.
 */
import { drawColours, drawCrop as drawOneCrop, recoloured } from '../../core/image/alterations.ts';
import { mirrorRows } from '../../core/image/pixels.ts';
import type { Raster } from '../../core/image/pillow-resize.ts';
import { seededRandom, uniformInt, type Random } from '../../core/common/random.ts';
import { randomFor } from '../step/seeds.ts';
import type { Variant } from './frozen-features.ts';
import type { LabelMap } from '../types.ts';

/** The more kinds, the more often an image's features must be computed. */
export const MAX_KINDS = 16;

export interface Augmentation {
  /** Mirror every other pair left to right. @default false */
  flip?: boolean;
  /** Kinds of changed brightness, contrast and saturation to draw from besides none; 0 to 16. @default 0 */
  jitter?: number;
  /**
   * Fixed crops of every image, with colors of their own and half of them mirrored, to draw from besides the whole; reference and target
   * each draw their own. Each is computed once, as a whole image is. 0 to 16. @default 0
   */
  crops?: number;
}

/** An altered image and its label map, at the image's own size. */
export interface DrawnAugmentation {
  variant: Variant;
  labels: (labels: LabelMap) => LabelMap;
}

/** undefined: the pair stays as it is. */
export function drawAugmentation({ flip = false, jitter = 0 }: Augmentation = {}, random: Random): DrawnAugmentation | undefined {
  const flipped = flip && random() < 0.5;
  const kind = jitter > 0 ? uniformInt(random, 0, jitter) : 0;
  if (!flipped && kind === 0) return undefined;
  return {
    variant: {
      name: `${flipped ? 'mirrored' : ''}${kind > 0 ? `jitter${kind}` : ''}`,
      apply: (image) => {
        const coloured = kind > 0 ? jittered(image, kind) : image;
        return flipped ? { ...coloured, data: mirrorRows(coloured.data, coloured.width, coloured.channels) } : coloured;
      },
    },
    labels: (labels) => (flipped ? { ...labels, data: mirrorRows(labels.data, labels.width, 1) } : labels),
  };
}

/** One of an image's own crops; undefined: the whole. key: of the image within its data */
export function drawCrop({ crops = 0 }: Augmentation = {}, key: string, random: Random): DrawnAugmentation | undefined {
  const kind = crops > 0 ? uniformInt(random, 0, crops) : 0;
  if (kind === 0) return undefined;
  const seed = hashOf(`${key} ${kind}`);
  const { name, ofImage, ofMask } = drawOneCrop(`crop${seed.toString(16)}`, seededRandom(seed));
  return { variant: { name, apply: ofImage }, labels: ofMask };
}

/** Both alterations, the first first. */
export function both(first: DrawnAugmentation | undefined, second: DrawnAugmentation | undefined): DrawnAugmentation | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return {
    variant: { name: `${first.variant.name}${second.variant.name}`, apply: (image) => second.variant.apply(first.variant.apply(image)) },
    labels: (labels) => second.labels(first.labels(labels)),
  };
}

/** FNV-1a, 31 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash >>> 1;
}

/** The same kind changes every image alike. */
function jittered(image: Raster, kind: number): Raster {
  return recoloured(image, drawColours(randomFor(0, 'variant', kind)));
}
