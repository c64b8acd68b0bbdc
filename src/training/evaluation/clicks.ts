/** Clicks as interactive segmentation is measured: each in the middle of the largest region that is still wrong. */
import { splitInstances, type Region } from '../../core/mask/instances.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { Point } from '../../core/mask/raster.ts';

export interface Click {
  /** Center of a pixel. */
  point: Point;
  /** On the object, or beside it. */
  positive: boolean;
}

/** Chamfer steps: straight and diagonal neighbours (Borgefors, 1986). */
const [STRAIGHT, DIAGONAL] = [3, 4];

/** The object of a class mask that is measured: its largest connected region, at the mask's size; undefined for an empty mask. */
export function largestObject(mask: BinaryMask): BinaryMask | undefined {
  const [largest] = splitInstances(mask, 1);
  if (largest === undefined) return undefined;
  const data = new Uint8Array(mask.data.length);
  const [x0, y0] = largest.boxXyxy;
  largest.mask.data.forEach((value, i) => {
    if (value !== 0) data[(y0 + Math.floor(i / largest.mask.width)) * mask.width + x0 + (i % largest.mask.width)] = 1;
  });
  return { ...mask, data };
}

/**
 * The next click, or nothing where the prediction is right: the middle of the largest connected region of missed or of wrongly
 * covered pixels. An empty prediction gives the first click, in the middle of the object.
 * prediction, ignore: per pixel of the truth; ignored pixels are never wrong
 */
export function nextClick(truth: BinaryMask, prediction: Uint8Array, ignore: Uint8Array): Click | undefined {
  const regionOf = (wrong: (truly: boolean, predicted: boolean) => boolean): Region | undefined => {
    const data = truth.data.map((value, i) => (ignore[i] === 0 && wrong(value !== 0, prediction[i] !== 0) ? 1 : 0));
    return splitInstances({ ...truth, data }, 1)[0];
  };
  const missed = regionOf((truly, predicted) => truly && !predicted);
  const excess = regionOf((truly, predicted) => !truly && predicted);
  const positive = (missed?.area ?? 0) >= (excess?.area ?? 0);
  const region = positive ? missed : excess;
  return region && { point: middleOf(region), positive };
}

/** The center of the pixel farthest from the region's border, the image's border included; the first in reading order of several. */
function middleOf({ boxXyxy: [x0, y0], mask: { data, width, height } }: Region): Point {
  // One row and column of outside on every side, so that the steps need no bounds.
  const columns = width + 2;
  const distance = new Int32Array(columns * (height + 2));
  for (let i = 0; i < data.length; i++)
    if (data[i] !== 0) distance[(Math.floor(i / width) + 1) * columns + (i % width) + 1] = STRAIGHT * (width + height);
  const relax = (at: number, direction: 1 | -1): void => {
    const near = (step: number): number => distance[at - direction * step] as number;
    const [straight, diagonal] = [Math.min(near(1), near(columns)), Math.min(near(columns + 1), near(columns - 1))];
    distance[at] = Math.min(distance[at] as number, straight + STRAIGHT, diagonal + DIAGONAL);
  };
  const inside = (y: number, x: number, direction: 1 | -1): void => {
    const at = y * columns + x;
    if (distance[at] !== 0) relax(at, direction);
  };
  for (let y = 1; y <= height; y++) for (let x = 1; x <= width; x++) inside(y, x, 1);
  for (let y = height; y >= 1; y--) for (let x = width; x >= 1; x--) inside(y, x, -1);
  let best = 0;
  for (let at = 1; at < distance.length; at++) if ((distance[at] as number) > (distance[best] as number)) best = at;
  return [x0 + (best % columns) - 0.5, y0 + Math.floor(best / columns) - 0.5];
}
