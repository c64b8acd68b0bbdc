/** What is drawn over pictures: masks, and how sure the engine is of every pixel. */
import type { BinaryMask } from 'prosam/web';
import { context2d } from './elements.ts';

/** Results are shown in cards, so no larger. */
const SHOWN_SIDE = 640;

export interface Shown {
  mask: BinaryMask;
  /** 0..255 per pixel. */
  uncertaintyMap?: Uint8Array;
}

/** The picture, and on top of it the mask with its outline, or the uncertainty. */
export function paintResult(canvas: HTMLCanvasElement, picture: ImageBitmap, shown: Shown | undefined, asMap: boolean): void {
  const scale = Math.min(1, SHOWN_SIDE / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = context2d(canvas);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  if (shown === undefined) return;
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  if (asMap && shown.uncertaintyMap) paintMap(pixels, shown.uncertaintyMap, shown.mask);
  else paintMask(pixels, shown.mask);
  context.putImageData(pixels, 0, 0);
}

/** Pixel of the mask that lies under pixel (x, y) of the canvas. */
function under(mask: BinaryMask, pixels: ImageData, x: number, y: number): number {
  const column = Math.min(mask.width - 1, Math.floor(((x + 0.5) * mask.width) / pixels.width));
  const row = Math.min(mask.height - 1, Math.floor(((y + 0.5) * mask.height) / pixels.height));
  return row * mask.width + column;
}

const LINE = [255, 255, 255] as const;
const SHADE = [14, 14, 20] as const;

/** The object as it is, in a white line with a dark rim, which stand out from any colour; what is not the object steps back. */
function paintMask(pixels: ImageData, mask: BinaryMask): void {
  const { width, height, data } = pixels;
  const inside = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) inside[y * width + x] = mask.data[under(mask, pixels, x, y)] === 0 ? 0 : 1;
  const reach = Math.max(1, Math.round(Math.max(width, height) / 240));
  const touches = (x: number, y: number, wanted: 0 | 1): boolean =>
    inside[y * width + Math.max(0, x - reach)] === wanted ||
    inside[y * width + Math.min(width - 1, x + reach)] === wanted ||
    inside[Math.max(0, y - reach) * width + x] === wanted ||
    inside[Math.min(height - 1, y + reach) * width + x] === wanted;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (inside[i] === 0) blend(data, i, SHADE, touches(x, y, 1) ? 0.9 : 0.55);
      else if (touches(x, y, 0)) blend(data, i, LINE, 1);
    }
  }
}

/** Dark where it is sure, from violet over orange to yellow where it is not. */
function paintMap(pixels: ImageData, map: Uint8Array, mask: BinaryMask): void {
  const { width, height, data } = pixels;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = (map[under(mask, pixels, x, y)] as number) / 255;
      blend(data, y * width + x, heat(value), 0.55 + 0.35 * value);
    }
  }
}

const HEAT = [
  [13, 10, 40],
  [105, 25, 125],
  [215, 65, 75],
  [250, 155, 40],
  [252, 250, 160],
] as const;

function heat(value: number): [number, number, number] {
  const at = Math.min(HEAT.length - 1.001, value * (HEAT.length - 1));
  const [from, to] = [HEAT[Math.floor(at)], HEAT[Math.floor(at) + 1]] as [readonly number[], readonly number[]];
  const part = at - Math.floor(at);
  return [0, 1, 2].map((c) => (from[c] as number) * (1 - part) + (to[c] as number) * part) as [number, number, number];
}

function blend(data: Uint8ClampedArray, pixel: number, colour: readonly [number, number, number], share: number): void {
  for (let c = 0; c < 3; c++) data[4 * pixel + c] = (data[4 * pixel + c] as number) * (1 - share) + (colour[c] as number) * share;
}
