/** Specks and holes of masks, taken away. */
import { componentSteps } from './components.ts';
import { PAUSE_AFTER, runStepsSync, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';

export interface CleanOptions {
  /**
   * Smallest region that stays, diagonal neighbours connected: pixels, or below 1 a share of the image's pixels. The largest region
   * stays in any case. @default 0
   */
  minArea?: number;
  /** Largest hole that is filled, in the same units; true fills every hole, false none. @default false */
  fillHoles?: boolean | number;
  /** Only the largest region stays. @default false */
  largestOnly?: boolean;
}

/** Largest area in pixels that may be asked for. */
export const MAX_CLEAN_AREA = 2 ** 30;

/** Options of a command or a configuration, without those that nobody set. */
export function cleanOptionsOf({
  minArea,
  fillHoles,
  largestOnly,
}: { [K in keyof CleanOptions]: CleanOptions[K] | undefined }): CleanOptions {
  return {
    ...(minArea !== undefined && { minArea }),
    ...(fillHoles !== undefined && { fillHoles }),
    ...(largestOnly !== undefined && { largestOnly }),
  };
}

/** Changes the mask in place: regions first, then holes, those of which regions were taken included. */
export function cleanMask(mask: BinaryMask, options: CleanOptions): void {
  runStepsSync(cleanMaskSteps(mask, options));
}

/** -> pixels that changed. */
function* cleanMaskSteps(mask: BinaryMask, { minArea = 0, fillHoles = false, largestOnly = false }: CleanOptions): Steps<number> {
  const least = pixelsOf(minArea, mask);
  const filled = fillHoles === true ? Infinity : fillHoles === false ? 0 : pixelsOf(fillHoles, mask);
  let changed = 0;
  if (largestOnly || least > 1) {
    const { area, ...regions } = yield* componentSteps(mask, 'set');
    let largest = 0;
    for (let piece = 1; piece < area.length; piece++) if ((area[piece] as number) > (area[largest] as number)) largest = piece;
    changed += yield* paintSteps(mask, regions, 0, (piece) => piece !== largest && (largestOnly || (area[piece] as number) < least));
  }
  if (filled > 0) {
    const { area, atBorder, ...gaps } = yield* componentSteps(mask, 'unset');
    changed += yield* paintSteps(mask, gaps, 1, (piece) => atBorder[piece] === 0 && (area[piece] as number) <= filled);
  }
  return changed;
}

function pixelsOf(size: number, { width, height }: BinaryMask): number {
  return size < 1 ? size * width * height : size;
}

function* paintSteps(
  { data }: BinaryMask,
  { from, to, piece, runs }: { from: Int32Array; to: Int32Array; piece: Int32Array; runs: number },
  value: 0 | 1,
  isWanted: (piece: number) => boolean,
): Steps<number> {
  let painted = 0;
  for (let run = 0; run < runs; run++) {
    if (isWanted(piece[run] as number)) {
      data.fill(value, from[run], to[run]);
      painted += (to[run] as number) - (from[run] as number);
    }
    if (run % PAUSE_AFTER === PAUSE_AFTER - 1) yield;
  }
  return painted;
}
