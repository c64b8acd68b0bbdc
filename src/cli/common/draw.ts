/** Draws images for people: masks as outlines and tint, uncertainty as heat, panels side by side. */
import { readFile } from 'node:fs/promises';
import { decodeImage } from '../../core/image/node/decode.ts';
import type { ImageReading } from '../../core/image/values/reading.ts';
import { loadSharp } from '../../core/image/node/load-sharp.ts';
import { pillowResize } from '../../core/image/pillow-resize.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { resizeNearest } from '../../core/mask/resize-map.ts';

/** RGB image, 8 bits a channel: data [height, width, 3]. */
export interface RgbImage {
  data: Uint8Array;
  width: number;
  height: number;
}

/** Corners in pixels; the lower right one is outside. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

type Rgb = readonly [red: number, green: number, blue: number];

/** Colors that stay apart for color-blind eyes. */
export const COLORS = { annotation: [255, 194, 10], prediction: [12, 190, 255], truth: [255, 80, 160] } as const satisfies Record<
  string,
  Rgb
>;

/** Reads an image file upright, no wider or taller than `longest` pixels. */
export async function readRgb(file: string, longest = Infinity, reading: ImageReading = {}): Promise<RgbImage> {
  return shrink(await decodeImage(await readFile(file), file, reading), longest);
}

/** Shrinks to at most `longest` pixels in width and height. */
export function shrink(image: RgbImage, longest: number): RgbImage {
  const scale = Math.min(1, longest / Math.max(image.width, image.height));
  const size = (side: number): number => Math.max(1, Math.round(side * scale));
  return pillowResize({ ...image, channels: 3 }, size(image.width), size(image.height));
}

/** Resizes a mask or levels to the size of an image. */
function fitLevels(levels: BinaryMask, to: RgbImage): Uint8Array {
  return resizeNearest(levels.data, levels, to);
}

/** Copies an image with the mask, resized to it, tinted and outlined. */
export function withMask(image: RgbImage, given: BinaryMask, color: Rgb, tint = 0.35): RgbImage {
  const { width, height } = image;
  const mask = fitLevels(given, image);
  const data = new Uint8Array(image.data); // a copy also of a Buffer, whose own slice() is none
  const thickness = Math.max(1, Math.round(Math.max(width, height) / 250));
  const isSet = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isSet(x, y)) continue;
      const edge = !isSet(x - thickness, y) || !isSet(x + thickness, y) || !isSet(x, y - thickness) || !isSet(x, y + thickness);
      blend(data, y * width + x, color, edge ? 1 : tint);
    }
  }
  return { data, width, height };
}

/** Copies an image with a box outlined. */
export function withBox(image: RgbImage, [x0, y0, x1, y1]: Box, color: Rgb): RgbImage {
  const { width, height } = image;
  const data = new Uint8Array(image.data);
  const within = (value: number, size: number): number => Math.min(size, Math.max(0, Math.round(value)));
  const [left, top, right, bottom] = [within(x0, width), within(y0, height), within(x1, width), within(y1, height)];
  const thickness = Math.max(2, Math.round(Math.max(width, height) / 160));
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const depth = Math.min(x - left, right - 1 - x, y - top, bottom - 1 - y);
      if (depth < thickness) blend(data, y * width + x, color, 1);
    }
  }
  return { data, width, height };
}

/** Darkens an image to grey and overlays uncertainty (0..255 per pixel, of any size) as heat. */
export function withHeat(image: RgbImage, given: BinaryMask): RgbImage {
  const { width, height } = image;
  const uncertainty = fitLevels(given, image);
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = [image.data[3 * i], image.data[3 * i + 1], image.data[3 * i + 2]] as [number, number, number];
    const grey = 0.35 * (0.299 * red + 0.587 * green + 0.114 * blue);
    data.set([grey, grey, grey], 3 * i);
    const heat = (uncertainty[i] as number) / 255;
    blend(data, i, heatColor(heat), Math.min(1, 1.2 * heat));
  }
  return { data, width, height };
}

/** Color map from black over red and orange to pale yellow. heat: 0 to 1. */
function heatColor(heat: number): Rgb {
  const level = (value: number): number => 255 * Math.min(1, Math.max(0, value));
  return [level(1.6 * heat), level(1.4 * heat - 0.35), level(2 * heat - 1.3)];
}

function blend(data: Uint8Array, pixel: number, color: Rgb, share: number): void {
  for (let c = 0; c < 3; c++) {
    const at = 3 * pixel + c;
    data[at] = Math.round((1 - share) * (data[at] as number) + share * (color[c] as number));
  }
}

const GAP = 6;

/** Joins panels of equal height on white. Returns PNG. */
export async function sideBySide(panels: readonly RgbImage[]): Promise<Uint8Array> {
  const height = Math.max(...panels.map((panel) => panel.height));
  const sharp = await loadSharp();
  let left = 0;
  const layers = [];
  for (const panel of panels) {
    const width = Math.round((panel.width * height) / panel.height);
    const input = await sharp(panel.data, { raw: { width: panel.width, height: panel.height, channels: 3 } })
      .resize(width, height, { kernel: 'nearest' })
      .png()
      .toBuffer();
    layers.push({ input, left, top: 0 });
    left += width + GAP;
  }
  return sharp({ create: { width: left - GAP, height, channels: 3, background: '#ffffff' } })
    .composite(layers)
    .png()
    .toBuffer();
}

/** Encodes an image as PNG. */
export async function pngFromRgb({ data, width, height }: RgbImage): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
