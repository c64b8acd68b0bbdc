/** Outlines of masks: rings along pixel edges that fill back to exactly the same mask. None touches or crosses itself. */
import type { BinaryMask } from './label-reduction.ts';
import { runStepsSync, PAUSE_AFTER, type Steps } from './cooperative.ts';
import type { Point } from './raster.ts';

/** Directions as seen on screen, clockwise: right, down, left, up. */
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;
const UP = 3;
/** Pixels ahead of a corner, relative to it, by direction: on the right-hand side of the direction of travel, and on the left. */
const RIGHT_X = [0, -1, -1, 0] as const;
const RIGHT_Y = [0, 0, -1, -1] as const;
const LEFT_X = [0, 0, -1, -1] as const;
const LEFT_Y = [-1, 0, 0, -1] as const;

/** A closed ring of corners. */
export interface TracedRing {
  /** Place of its region among all regions; pixels that touch at a corner alone belong to separate regions. */
  region: number;
  /** False for the ring around the region, of which there is one. */
  hole: boolean;
  /** Pixels inside, negative for holes. */
  signedArea: number;
  /** Corners that it may share with another ring of its region, as `cornerKey` has them. */
  shared: ReadonlySet<number>;
}

/** All rings of a mask; of each ring the first corner is not repeated. */
export interface TracedRings {
  rings: TracedRing[];
  /** Corners of all rings, one ring after the other, as whole numbers. [corners] */
  xs: Int32Array;
  ys: Int32Array;
  /** First corner of each ring, and the number of all corners. [rings + 1] */
  starts: number[];
}

/** One number for a corner of a mask. */
export function cornerKey(x: number, y: number, width: number): number {
  return y * (width + 1) + x;
}

/**
 * Closed rings of pixel corners around every region (the first point is not repeated). Outer rings run clockwise as seen
 * on screen, holes the other way. Diagonal neighbours belong to separate rings, and so do holes that touch at a corner.
 */
export function ringsFromMask(mask: BinaryMask): Point[][] {
  const { rings, xs, ys, starts } = runStepsSync(traceSteps(mask));
  return rings.map((_, ring) => {
    const start = starts[ring] as number;
    const length = (starts[ring + 1] as number) - start;
    return Array.from({ length }, (__, i): Point => [xs[start + i] as number, ys[start + i] as number]);
  });
}

/** All rings of a mask, each with its region, in time that grows with its pixels and corners alone. */
export function* traceSteps(mask: BinaryMask): Steps<TracedRings> {
  const { data, width, height } = mask;
  // A ring passes the left edges of its region's pixels from below exactly once each: they carry its number, counted from 1.
  const passed = new Int32Array(width * height);
  const regionOfPath = [-1];
  const traced: TracedRings = { rings: [], xs: new Int32Array(1024), ys: new Int32Array(1024), starts: [0] };
  let regions = 0;
  let unpaused = 0;
  for (let y = 0; y < height; y++) {
    // The path along the left edge of the run of pixels before.
    let before = 0;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      if (data[at] === 0 || (x > 0 && data[at - 1] !== 0)) continue;
      if (passed[at] === 0) {
        const first = traced.rings.length;
        // A path around a hole begins in the hole's upper row, where the run before belongs to the region around it.
        unpaused += yield* tracePath(mask, passed, { name: regionOfPath.length, x, y }, traced);
        const paths = traced.rings.slice(first);
        const region = paths.some(({ hole }) => !hole) ? regions++ : (regionOfPath[before] as number);
        regionOfPath.push(region);
        for (const ring of paths) ring.region = region;
      }
      before = passed[at] as number;
    }
    unpaused += width;
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return traced;
}

/** Follows edges with the region on the right-hand side, up the left edge of pixel (x, y) first. -> corners passed */
function* tracePath(
  { data, width, height }: BinaryMask,
  passed: Int32Array,
  { name, x: startX, y: startY }: { name: number; x: number; y: number },
  traced: TracedRings,
): Steps<number> {
  const isSet = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] !== 0;
  const [openX, openY]: [number[], number[]] = [[], []];
  // Corners where the region's pixels touch diagonally, and their places in what is open: the path may come by twice.
  let touching: Map<number, number> | undefined;
  let shared: Set<number> | undefined;
  let [x, y, direction] = [startX, startY + 1, UP];
  let corners = 0;
  let unpaused = 0;
  do {
    if (direction === UP) passed[(y - 1) * width + x] = name;
    x += STEP_X[direction] as number;
    y += STEP_Y[direction] as number;
    const right = isSet(x + (RIGHT_X[direction] as number), y + (RIGHT_Y[direction] as number));
    const left = isSet(x + (LEFT_X[direction] as number), y + (LEFT_Y[direction] as number));
    if (!right || left) {
      if (!right && left) {
        touching ??= new Map();
        const corner = cornerKey(x, y, width);
        const since = touching.get(corner);
        if (since !== undefined) {
          for (let i = since; i < openX.length; i++) touching.delete(cornerKey(openX[i] as number, openY[i] as number, width));
          shared ??= new Set();
          shared.add(corner);
          addRing(traced, openX, openY, since, shared);
        }
        touching.set(corner, openX.length);
      }
      openX.push(x);
      openY.push(y);
      corners++;
      direction = (direction + (right ? 3 : 1)) % 4;
    }
    if (++unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  } while (x !== startX || y !== startY + 1 || direction !== UP);
  addRing(traced, openX, openY, 0, shared ?? NONE);
  return corners;
}

const NONE: ReadonlySet<number> = new Set();

/** Moves the last of the open corners into a ring of their own. */
function addRing(traced: TracedRings, openX: number[], openY: number[], since: number, shared: ReadonlySet<number>): void {
  const start = traced.starts.at(-1) as number;
  const end = start + openX.length - since;
  if (end > traced.xs.length) {
    traced.xs = grown(traced.xs, end);
    traced.ys = grown(traced.ys, end);
  }
  let twice = 0;
  let [beforeX, beforeY] = [openX.at(-1) as number, openY.at(-1) as number];
  for (let at = start, i = since; at < end; at++, i++) {
    const [x, y] = [openX[i] as number, openY[i] as number];
    traced.xs[at] = x;
    traced.ys[at] = y;
    twice += beforeX * y - x * beforeY;
    [beforeX, beforeY] = [x, y];
  }
  openX.length = openY.length = since;
  traced.starts.push(end);
  traced.rings.push({ region: -1, hole: twice < 0, signedArea: twice / 2, shared });
}

function grown(list: Int32Array, atLeast: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(Math.max(atLeast, 2 * list.length));
  longer.set(list);
  return longer;
}
