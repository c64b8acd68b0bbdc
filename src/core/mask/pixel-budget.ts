/** Bound on the pixels that the annotations of one request may pass, however few bytes they come in. */
import { ProsamError } from '../common/errors.ts';
import type { Box, ParsedAnnotation } from './annotation.ts';
import type { Point } from './raster.ts';

/** Pixels of an upright image. */
export interface Size {
  width: number;
  height: number;
}

export interface PixelBudget {
  /** @throws REQUEST_TOO_LARGE when it is used up */
  take(annotation: ParsedAnnotation): void;
  /** For so many passes over the whole image. @throws REQUEST_TOO_LARGE when it is used up */
  takeWhole(passes?: number): void;
}

/** 25 masks of a hundred megapixels, or 200 of twelve: some ten seconds of work. */
const MAX_MARKED_PIXELS = 2.5e9;

export function createPixelBudget({ width, height }: Size): PixelBudget {
  let used = 0;
  const take = (pixels: number): void => {
    used += pixels;
    if (used <= MAX_MARKED_PIXELS) return;
    throw new ProsamError(
      'REQUEST_TOO_LARGE',
      `expected annotations and labels that pass at most ${MAX_MARKED_PIXELS} pixels together, got more on an image of ${width} x ${height}. ` +
        'Join the masks of a label into one, send the labels in several annotations, or shrink the image.',
    );
  };
  return {
    take: (annotation) => take(pixelsPassed(annotation, width, height)),
    takeWhole: (passes = 1) => take(passes * width * height),
  };
}

/** Outlines are drawn within the box around them, all else passes every pixel of the image. */
function pixelsPassed(annotation: ParsedAnnotation, width: number, height: number): number {
  // What is no pixels is counted as the whole image.
  if ('units' in annotation && annotation.units !== 'pixels') return width * height;
  if (annotation.kind === 'box') return boxArea(cornersOf(annotation.box), width, height);
  if (annotation.kind === 'polygon') return boxArea(annotation.rings.flat(), width, height);
  return width * height;
}

function cornersOf([x0, y0, x1, y1]: Box): Point[] {
  return [
    [x0, y0],
    [x1, y1],
  ];
}

function boxArea(points: readonly Point[], width: number, height: number): number {
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (const [x, y] of points) [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  const area = (Math.min(x1, width) - Math.max(x0, 0)) * (Math.min(y1, height) - Math.max(y0, 0));
  // What is not a number is refused where it is drawn.
  return x0 < x1 && y0 < y1 && area > 0 ? area : 0;
}
