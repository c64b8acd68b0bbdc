/** Drawing over images: masks and their outlines, and how uncertain every pixel is. */
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { CocoRle } from '../../core/mask/rle.ts';
import { context2d } from './elements.ts';
import { pixelUnder, sampleMask, sampleRle } from './sample-mask.ts';

type Rgb = readonly [red: number, green: number, blue: number];

/** Colors that stay apart for color-blind eyes (Okabe and Ito, 2008), #rrggbb. */
export const MASK_COLORS = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#f0e442', '#d55e00', '#0072b2'] as const;

/** The color of the mask at this place of a list. */
export function maskColor(index: number): string {
  return MASK_COLORS[index % MASK_COLORS.length] as string;
}

/** Fills the canvas, which lies over an image, with masks: tinted, with a clear outline, transparent elsewhere. */
export function drawMasks(canvas: HTMLCanvasElement, masks: readonly { rle: CocoRle }[]): void {
  const { width, height } = canvas;
  const context = context2d(canvas);
  const pixels = context.createImageData(width, height);
  const reach = Math.max(1, Math.round(Math.max(width, height) / 140));
  for (const [i, { rle }] of masks.entries()) {
    const drawn: Drawn = { inside: sampleRle(rle, width, height), width, height, reach, beyond: 0 };
    const rgb = [1, 3, 5].map((at) => Number.parseInt(maskColor(i).slice(at, at + 2), 16));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (drawn.inside[y * width + x] === 0) continue;
        const outlined = touches(drawn, x, y, 0);
        pixels.data.set([...rgb, outlined ? 255 : 110], 4 * (y * width + x));
      }
    }
  }
  context.putImageData(pixels, 0, 0);
}

const LINE: Rgb = [255, 255, 255];
const SHADE: Rgb = [14, 14, 20];

/** The object as it is, in a white line with a dark rim, which stand out from any color; everything else is darkened. */
export function outlineMask(pixels: ImageData, mask: BinaryMask): void {
  const { width, height, data } = pixels;
  const inside = sampleMask(mask, width, height);
  const drawn: Drawn = { inside, width, height, reach: Math.max(1, Math.round(Math.max(width, height) / 240)) };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (inside[i] === 0) blend(data, i, SHADE, touches(drawn, x, y, 1) ? 0.9 : 0.55);
      else if (touches(drawn, x, y, 0)) blend(data, i, LINE, 1);
    }
  }
}

/**
 * Dark where the engine is certain, from violet over orange to yellow where it is not.
 * map: 0..255 for every pixel of the image, as its mask has them.
 */
export function drawUncertainty(pixels: ImageData, map: Uint8Array, mask: BinaryMask): void {
  const { width, height, data } = pixels;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = (map[pixelUnder(mask, x, y, width, height)] as number) / 255;
      blend(data, y * width + x, heat(value), 0.55 + 0.35 * value);
    }
  }
}

interface Drawn {
  /** 0 and 1, row by row. */
  inside: Uint8Array;
  width: number;
  height: number;
  /** Width of the line, pixels. */
  reach: number;
  /** Value of everything beyond the edges. @default that of the pixel at the edge */
  beyond?: 0 | 1;
}

/** Whether the pixel `reach` to the left, to the right, above or below has this value. */
function touches({ inside, width, height, reach, beyond }: Drawn, x: number, y: number, value: 0 | 1): boolean {
  const has = (column: number, row: number): boolean => {
    const [nearX, nearY] = [Math.min(width - 1, Math.max(0, column)), Math.min(height - 1, Math.max(0, row))];
    if (beyond !== undefined && (nearX !== column || nearY !== row)) return beyond === value;
    return inside[nearY * width + nearX] === value;
  };
  return has(x - reach, y) || has(x + reach, y) || has(x, y - reach) || has(x, y + reach);
}

const HEAT: readonly Rgb[] = [
  [13, 10, 40],
  [105, 25, 125],
  [215, 65, 75],
  [250, 155, 40],
  [252, 250, 160],
];

function heat(value: number): Rgb {
  const at = Math.min(HEAT.length - 1.001, value * (HEAT.length - 1));
  const [from, to] = [HEAT[Math.floor(at)], HEAT[Math.floor(at) + 1]] as [Rgb, Rgb];
  const part = at - Math.floor(at);
  return [0, 1, 2].map((c) => (from[c] as number) * (1 - part) + (to[c] as number) * part) as unknown as Rgb;
}

function blend(data: Uint8ClampedArray, pixel: number, color: Rgb, share: number): void {
  for (let c = 0; c < 3; c++) data[4 * pixel + c] = (data[4 * pixel + c] as number) * (1 - share) + (color[c] as number) * share;
}
