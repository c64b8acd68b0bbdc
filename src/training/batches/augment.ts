/**
 * Altered copies of a training pair, off by default: the public code trains without any. The frozen networks must see an
 * altered image anew, so there are few alterations, each computed once an image.
 */
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
  const own = seededRandom(seed);
  const cut = windowOf(own);
  const flipped = own() < 0.5;
  const colours = factors(own);
  return {
    variant: {
      name: `crop${seed.toString(16)}`,
      apply: (image) => {
        const { data, ...size } = cropped(recoloured(image, colours), cut, image.channels);
        return { ...size, channels: image.channels, data: flipped ? mirrorRows(data, size.width, image.channels) : data };
      },
    },
    labels(labels) {
      const { data, ...size } = cropped(labels, cut, 1);
      return { ...size, data: flipped ? mirrorRows(data, size.width, 1) : data };
    },
  };
}

/** Both alterations, the first first. */
export function both(first: DrawnAugmentation | undefined, second: DrawnAugmentation | undefined): DrawnAugmentation | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return {
    variant: { name: `${first.variant.name}${second.variant.name}`, apply: (image) => second.variant.apply(first.variant.apply(image)) },
    labels: (labels) => second.labels(first.labels(labels)),
  };
}

/** A window as shares of the image. */
interface Window {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Smallest share of an image's area that a crop shows. */
const SMALLEST_CROP = 0.36;

function windowOf(random: Random): Window {
  const area = SMALLEST_CROP + (1 - SMALLEST_CROP) * random();
  const aspect = (4 / 3) ** (2 * random() - 1);
  const [width, height] = [Math.min(1, Math.sqrt(area * aspect)), Math.min(1, Math.sqrt(area / aspect))];
  return { x: random() * (1 - width), y: random() * (1 - height), width, height };
}

function cropped(
  image: { data: Uint8Array; width: number; height: number },
  { x, y, ...share }: Window,
  channels: number,
): { data: Uint8Array; width: number; height: number } {
  const width = Math.max(1, Math.round(share.width * image.width));
  const height = Math.max(1, Math.round(share.height * image.height));
  const left = Math.min(image.width - width, Math.round(x * image.width));
  const top = Math.min(image.height - height, Math.round(y * image.height));
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { data, width, height };
}

/** FNV-1a, 31 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash >>> 1;
}

/** Largest relative change of brightness, contrast and saturation. */
const STRENGTH = 0.3;

/** The same kind changes every image alike. */
function jittered(image: Raster, kind: number): Raster {
  return recoloured(image, factors(randomFor(0, 'variant', kind)));
}

/** Factors on brightness, contrast and saturation. */
type ColourFactors = readonly [brightness: number, contrast: number, saturation: number];

function factors(random: Random): ColourFactors {
  return [0, 0, 0].map(() => 1 + STRENGTH * (2 * random() - 1)) as [number, number, number];
}

function recoloured(image: Raster, [brightness, contrast, saturation]: ColourFactors): Raster {
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < data.length; i += image.channels) {
    const rgb = [image.data[i] as number, image.data[i + 1] as number, image.data[i + 2] as number];
    const grey = 0.299 * (rgb[0] as number) + 0.587 * (rgb[1] as number) + 0.114 * (rgb[2] as number);
    rgb.forEach((value, c) => {
      const saturated = grey + saturation * (value - grey);
      const level = (128 + contrast * (saturated - 128)) * brightness;
      data[i + c] = Math.min(255, Math.max(0, Math.round(level)));
    });
  }
  return { ...image, data };
}
