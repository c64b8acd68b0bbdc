/** Labels on the square that the networks see: where the loss is taken and where the benchmarks compare. */
import { longestSideSize, type SamResize } from '../../core/image/preprocess.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { resizeNearest } from '../../core/mask/resize-map.ts';
import { IGNORE_LABEL, type LabelMap } from '../types.ts';

/** Nearest neighbour, stretched or padded at the right and bottom (with ignored pixels) as the images are. */
export function labelsOnSquare(labels: LabelMap, side: number, resize: SamResize): LabelMap {
  const size = resize === 'longest-side' ? longestSideSize(labels.width, labels.height, side) : { width: side, height: side };
  const fitted = resizeNearest(labels.data, labels, size);
  if (size.width === side && size.height === side) return { data: fitted, width: side, height: side };
  const data = new Uint8Array(side * side).fill(IGNORE_LABEL);
  for (let y = 0; y < size.height; y++) data.set(fitted.subarray(y * size.width, (y + 1) * size.width), y * side);
  return { data, width: side, height: side };
}

export function classMask({ data, width, height }: LabelMap, classId: number): BinaryMask {
  return { data: data.map((label) => (label === classId ? 1 : 0)), width, height };
}

/** 1 where a pixel counts neither as object nor as background. */
export function ignoredPixels({ data }: LabelMap): Uint8Array {
  return data.map((label) => (label === IGNORE_LABEL ? 1 : 0));
}

/** The part of a square that the image fills. data: values on the square [S * S]; size: the image's own. */
export function croppedToImage(data: Uint8Array, { width, height }: { width: number; height: number }, resize: SamResize): BinaryMask {
  const side = Math.sqrt(data.length);
  if (resize !== 'longest-side') return { data, width: side, height: side };
  const size = longestSideSize(width, height, side);
  const out = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) out.set(data.subarray(y * side, y * side + size.width), y * size.width);
  return { data: out, ...size };
}
