/**
 * Altered copies of a training pair, off by default: the public code trains without any. The frozen networks must see an
 * altered image anew, so there are few alterations, each computed once an image.
 */
import { mirrorRows } from '../../core/image/pixels.ts';
import type { Raster } from '../../core/image/pillow-resize.ts';
import { uniformInt, type Random } from '../../core/common/random.ts';
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
}

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

/** Largest relative change of brightness, contrast and saturation. */
const STRENGTH = 0.3;

/** The same kind changes every image alike. */
function jittered(image: Raster, kind: number): Raster {
  const random = randomFor(0, 'variant', kind);
  const [brightness, contrast, saturation] = [0, 0, 0].map(() => 1 + STRENGTH * (2 * random() - 1)) as [number, number, number];
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
