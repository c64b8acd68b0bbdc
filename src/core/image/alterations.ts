/** Altered copies of an image, so that few images teach more: a window of it, other colours. */
import type { Random } from '../common/random.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import type { Raster } from './pillow-resize.ts';
import { mirrorRows } from './pixels.ts';

/** A way to alter an image, and a mask of it along with it. */
export interface Alteration {
  /** Stands for what is done. */
  name: string;
  ofImage: (image: Raster) => Raster;
  ofMask: (mask: BinaryMask) => BinaryMask;
}

/** A window of the image under other light, every other one mirrored. name: of what is drawn */
export function drawCrop(name: string, random: Random): Alteration {
  const window = drawWindow(random);
  const isMirrored = random() < 0.5;
  const colours = drawColours(random);
  const cut = (image: { data: Uint8Array; width: number; height: number }, channels: number) => {
    const { data, width, height } = cropped(image, window, channels);
    return { data: isMirrored ? mirrorRows(data, width, channels) : data, width, height };
  };
  return {
    name,
    ofImage: (image) => ({ ...cut(recoloured(image, colours), image.channels), channels: image.channels }),
    ofMask: (mask) => cut(mask, 1),
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

/** Between 0.36 and all of the image's area, at most a third wider or narrower than the image. */
function drawWindow(random: Random): Window {
  const area = SMALLEST_CROP + (1 - SMALLEST_CROP) * random();
  const aspect = (4 / 3) ** (2 * random() - 1);
  const [width, height] = [Math.min(1, Math.sqrt(area * aspect)), Math.min(1, Math.sqrt(area / aspect))];
  return { x: random() * (1 - width), y: random() * (1 - height), width, height };
}

/** The window of an image or of its mask. channels: numbers a pixel */
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

/** Largest relative change of brightness, contrast and saturation. */
const STRENGTH = 0.3;

/** Factors on brightness, contrast and saturation. */
type ColourFactors = readonly [brightness: number, contrast: number, saturation: number];

/** Each within 0.3 of 1. */
export function drawColours(random: Random): ColourFactors {
  return [0, 0, 0].map(() => 1 + STRENGTH * (2 * random() - 1)) as [number, number, number];
}

/** The same picture under other light. */
export function recoloured(image: Raster, [brightness, contrast, saturation]: ColourFactors): Raster {
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
