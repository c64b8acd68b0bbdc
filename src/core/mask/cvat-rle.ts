/** CVAT's masks in shapes: run lengths over the rows of a box, background first, then the box itself with all four sides inclusive. */
import { ProsamError } from '../common/errors.ts';
import { runStepsSync, runSteps, PAUSE_AFTER, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';
import { maskExtentSteps } from './raster.ts';

/** Half-open box in pixels of the image: x0 <= x < x1. */
export type PixelBox = readonly [x0: number, y0: number, x1: number, y1: number];

/** Encoding of a mask without pixels. */
const EMPTY = [1, 0, 0, 0, 0];

/** The largest mask anything here takes. */
const MAX_PIXELS = 2 ** 29 - 1;

/** box: cuts the mask; pixels outside it are lost. @default the tight box around its pixels */
export function cvatRleFromMaskSync(mask: BinaryMask, box?: PixelBox): number[] {
  return runStepsSync(cvatRleSteps(mask, box));
}

/** The same, giving others on this thread their turns: for masks of many megapixels. */
export function cvatRleFromMask(mask: BinaryMask, signal?: AbortSignal, box?: PixelBox): Promise<number[]> {
  return runSteps(cvatRleSteps(mask, box), signal);
}

function* cvatRleSteps(mask: BinaryMask, given?: PixelBox): Steps<number[]> {
  const box = given ?? (yield* maskExtentSteps(mask)).boxXyxy;
  if (box === undefined) return [...EMPTY];
  const [x0, y0, x1, y1] = checkedBox(box, mask.width, mask.height);
  const points: number[] = [];
  let current = 0;
  let length = 0;
  let unpaused = 0;
  for (let y = y0; y < y1; y++) {
    const row = y * mask.width;
    for (let x = x0; x < x1; x++) {
      const value = mask.data[row + x] === 0 ? 0 : 1;
      if (value !== current) {
        points.push(length);
        length = 0;
        current = value;
      }
      length++;
    }
    unpaused += x1 - x0;
    if (unpaused >= PAUSE_AFTER) {
      unpaused = 0;
      yield;
    }
  }
  points.push(length, x0, y0, x1 - 1, y1 - 1);
  return points;
}

/**
 * The mask at the image's size. Whole numbers may come as 3.0, as CVAT's server sends them.
 * @throws ANNOTATION_INVALID for what is no such mask, ANNOTATION_OUTSIDE for a box that leaves the image
 */
export function maskFromCvatRle(points: readonly unknown[], width: number, height: number): BinaryMask {
  const [x0, y0, x1] = checkCvatRle(points, width, height);
  const data = new Uint8Array(width * height);
  const columns = x1 - x0;
  let at = 0;
  for (let i = 0; i < points.length - 4; i++) {
    const run = points[i] as number;
    if (i % 2 === 1) fillRun(data, width, [x0, y0, columns], at, run);
    at += run;
  }
  return { data, width, height };
}

/**
 * The box of a valid mask: half-open, in pixels. Nothing is drawn.
 * @throws ANNOTATION_INVALID, ANNOTATION_OUTSIDE
 */
export function checkCvatRle(points: readonly unknown[], width: number, height: number): PixelBox {
  if (points.length < 5) throw invalid(`expected run lengths and the four sides of a box, got ${points.length} numbers`);
  let total = 0;
  for (const [i, value] of points.entries()) {
    if (!Number.isSafeInteger(value) || (value as number) < 0)
      throw invalid(`expected whole numbers from 0 on, got ${shown(value)} at place ${i}`);
    if (i < points.length - 4) total += value as number;
  }
  const [left, top, right, bottom] = points.slice(-4) as [number, number, number, number];
  const box = checkedBox([left, top, right + 1, bottom + 1], width, height);
  const pixels = (right - left + 1) * (bottom - top + 1);
  if (total !== pixels) throw invalid(`the runs cover ${total} of the ${pixels} pixels of the box`);
  return box;
}

function checkedBox(box: PixelBox, width: number, height: number): PixelBox {
  const [x0, y0, x1, y1] = box;
  if (!box.every(Number.isSafeInteger) || x0 >= x1 || y0 >= y1)
    throw invalid(`expected a box with left <= right and top <= bottom, got (${x0}, ${y0}, ${x1 - 1}, ${y1 - 1})`);
  if (width * height > MAX_PIXELS) throw invalid(`expected an image of at most ${MAX_PIXELS} pixels, got ${width} x ${height}`);
  if (x0 >= 0 && y0 >= 0 && x1 <= width && y1 <= height) return box;
  throw new ProsamError(
    'ANNOTATION_OUTSIDE',
    `CVAT mask: expected a box inside the image of ${width} x ${height} pixels, got (${x0}, ${y0}, ${x1 - 1}, ${y1 - 1}).`,
  );
}

/** One run over the rows of the box, row by row. */
function fillRun(data: Uint8Array, width: number, [x0, y0, columns]: readonly [number, number, number], from: number, run: number): void {
  for (let at = from; at < from + run;) {
    const column = at % columns;
    const length = Math.min(columns - column, from + run - at);
    const start = (y0 + Math.floor(at / columns)) * width + x0 + column;
    data.fill(1, start, start + length);
    at += length;
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
}

function invalid(problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `CVAT mask: ${problem}.`);
}
