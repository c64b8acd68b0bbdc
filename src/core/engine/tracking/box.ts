/** A drawn box that goes along with the object in it. */
import { maskExtent } from '../../mask/raster.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';

export type Box = [x0: number, y0: number, x1: number, y1: number];

/**
 * The box keeps the margins it had around the object, at the object's present size. drawn: around the object `marked`; whole: where that is now,
 * what is hidden included. -> cut to the image; undefined where nothing is left
 */
export function movedBox(drawn: Box, marked: BinaryMask, whole: BinaryMask, scale: number): Box | undefined {
  const [before, now] = [maskExtent(marked).boxXyxy, maskExtent(whole).boxXyxy];
  if (before === undefined || now === undefined) return undefined;
  const { width, height } = whole;
  const margin = (side: 0 | 1 | 2 | 3): number => Math.round(scale * (drawn[side] - before[side]));
  // A side that the border of the image cuts has no margin to show.
  const low = (side: 0 | 1): number => (now[side] === 0 ? 0 : Math.max(0, now[side] + margin(side)));
  const high = (side: 2 | 3, size: number): number => (now[side] === size ? size : Math.min(size, now[side] + margin(side)));
  const box: Box = [low(0), low(1), high(2, width), high(3, height)];
  return box[0] < box[2] && box[1] < box[3] ? box : undefined;
}

/** Intersection over union. */
export function boxOverlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ([x0, y0, x1, y1]: Box): number => (x1 - x0) * (y1 - y0);
  return (width * height) / (area(a) + area(b) - width * height);
}
