/** Mask files: gray images in which bright pixels are marked. */
import type { BinaryMask } from '../mask/label-reduction.ts';

/** Gray value, 0..255, from which a pixel is marked: brighter than half. */
export const MASK_FILE_LEVEL = 128;

/** One gray value per pixel -> 0/1 */
export function markedPixels({ data, width, height }: BinaryMask): BinaryMask {
  return { data: data.map((value) => (value >= MASK_FILE_LEVEL ? 1 : 0)), width, height };
}
