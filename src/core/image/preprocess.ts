/** From pixels to the tensors the networks read, and from their logits back to the image's own pixels. */
import { resizeMap } from '../mask/resize-map.ts';
import { floatResize } from './float-resize.ts';
import { pillowResize, type Raster } from './pillow-resize.ts';

/** Channel means and standard deviations on the 0..255 scale. */
export interface Normalisation {
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** ImageNet's constants; SAM uses the same ones. */
export const IMAGENET: Normalisation = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };

export const SAM_RESIZES = ['aligned', 'stretch', 'stretch-float', 'longest-side'] as const;
/**
 * Conversion of an image to SAM's square input.
 * - 'aligned': from the backbone's already resized and normalized square, bilinear with aligned corners (the paper's code)
 * - 'stretch': resized straight to the square
 * - 'stretch-float': the same without rounding to whole levels, and logits brought back in one step (SAM 2's own)
 * - 'longest-side': longest side to the square's side, zeros at the right and bottom (SAM's own)
 */
export type SamResize = (typeof SAM_RESIZES)[number];

export interface PreprocessConfig {
  resize: SamResize;
  /** Side of SAM's input. */
  samSize: number;
  /** Side of the backbone's input, where the backbone is a network of its own. */
  backboneSize?: number;
  /** Logits come back in one step with half-pixel centers, whatever the resizing. @default false */
  halfPixel?: boolean;
  normalisation: Normalisation;
}

/** SAM's input for an 8-bit RGB image. [1, 3, S, S] */
export function samInput(image: Raster, config: PreprocessConfig): Float32Array {
  const { resize, samSize, backboneSize, normalisation } = config;
  if (resize === 'longest-side') return longestSideInput(image, samSize, normalisation);
  if (resize === 'stretch-float') return normalisePlanes(floatResize(image, samSize, samSize), normalisation);
  if (resize === 'stretch' || backboneSize === undefined) return squareInput(image, samSize, normalisation);
  return stretchAligned(squareInput(image, backboneSize, normalisation), backboneSize, samSize);
}

/** The image stretched to a square: what a backbone of its own reads, whatever SAM sees. [1, 3, side, side] */
export function squareInput(image: Raster, side: number, normalisation: Normalisation): Float32Array {
  return normalise(pillowResize(image, side, side), normalisation);
}

/** 8-bit RGB -> planes of (v - mean) / std. [3, h, w] */
export function normalise(image: Raster, { mean, std }: Normalisation): Float32Array {
  const pixels = image.width * image.height;
  const out = new Float32Array(3 * pixels);
  for (let c = 0; c < 3; c++) {
    const offset = mean[c] as number;
    const scale = 1 / (std[c] as number);
    for (let i = 0, source = c; i < pixels; i++, source += image.channels) {
      out[c * pixels + i] = ((image.data[source] as number) - offset) * scale;
    }
  }
  return out;
}

/** The same for planes of values on the 0..255 scale, in place. */
function normalisePlanes(planes: Float32Array, { mean, std }: Normalisation): Float32Array {
  const pixels = planes.length / 3;
  for (let c = 0; c < 3; c++) {
    const offset = mean[c] as number;
    const scale = 1 / (std[c] as number);
    for (let i = c * pixels; i < (c + 1) * pixels; i++) planes[i] = ((planes[i] as number) - offset) * scale;
  }
  return planes;
}

export interface Size {
  width: number;
  height: number;
}

/** Size an image takes inside the square when its longest side is brought to the square's side. */
export function longestSideSize(width: number, height: number, side: number): Size {
  const scale = side / Math.max(width, height);
  return { width: Math.max(1, Math.floor(width * scale + 0.5)), height: Math.max(1, Math.floor(height * scale + 0.5)) };
}

/** SAM's own input: longest side resized, normalised, then padded with zeros. [3, side, side] */
export function longestSideInput(image: Raster, side: number, normalisation: Normalisation): Float32Array {
  const size = longestSideSize(image.width, image.height, side);
  const planes = normalise(pillowResize(image, size.width, size.height), normalisation);
  const out = new Float32Array(3 * side * side);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size.height; y++) {
      const from = (c * size.height + y) * size.width;
      out.set(planes.subarray(from, from + size.width), (c * side + y) * side);
    }
  }
  return out;
}

/** [3, from, from] -> [3, to, to], bilinear with aligned corners */
export function stretchAligned(planes: Float32Array, from: number, to: number): Float32Array {
  const out = new Float32Array(3 * to * to);
  for (let c = 0; c < 3; c++) {
    const plane = { data: planes.subarray(c * from * from, (c + 1) * from * from), width: from, height: from };
    out.set(resizeMap(plane, to, to, 'aligned').data, c * to * to);
  }
  return out;
}
