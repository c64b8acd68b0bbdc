/** Outlines of masks: rings along pixel edges that fill back to exactly the same mask, and their simplification. */
import type { BinaryMask } from './label-reduction.ts';
import { runStepsSync, PAUSE_AFTER, type Steps } from './cooperative.ts';
import type { Point } from './raster.ts';

/** Directions as seen on screen, clockwise: right, down, left, up. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/**
 * Closed rings of pixel corners around every region (the first point is not repeated). Outer rings run clockwise as seen
 * on screen, holes the other way. Diagonal neighbours belong to separate rings.
 */
export function ringsFromMask(mask: BinaryMask): Point[][] {
  return runStepsSync(ringSteps(mask));
}

/** The same with pauses, for masks of many megapixels on a thread that has others to serve. */
export function* ringSteps(mask: BinaryMask): Steps<Point[][]> {
  const { width, height } = mask;
  const isSet = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && mask.data[y * width + x] !== 0;
  // A ring passes each upper edge of a region from left to right exactly once: those edges are the places to start from.
  const done = new Uint8Array(width * (height + 1));
  const rings: Point[][] = [];
  const work = { sincePause: 0 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (isSet(x, y) && !isSet(x, y - 1) && done[y * width + x] === 0) rings.push(yield* traceRing(isSet, done, width, x, y, work));
    }
    work.sincePause += width;
    if (work.sincePause >= PAUSE_AFTER) {
      work.sincePause = 0;
      yield;
    }
  }
  return rings;
}

/** Follows edges with the region on the right-hand side, starting along the upper edge of pixel (x, y). */
function* traceRing(
  isSet: (x: number, y: number) => boolean,
  done: Uint8Array,
  width: number,
  startX: number,
  startY: number,
  work: { sincePause: number },
): Steps<Point[]> {
  const ring: Point[] = [];
  let [x, y] = [startX, startY];
  let direction = 0;
  do {
    if (direction === 0) done[y * width + x] = 1;
    const [dx, dy] = STEPS[direction] as readonly [number, number];
    x += dx;
    y += dy;
    // The two pixels ahead of corner (x, y): left and right of the direction of travel.
    const right = isSet(...pixelAt(x, y, direction, 1));
    const left = isSet(...pixelAt(x, y, direction, -1));
    const turned = !right ? (direction + 1) % 4 : left ? (direction + 3) % 4 : direction;
    if (turned !== direction) ring.push([x, y]);
    direction = turned;
    if (++work.sincePause >= PAUSE_AFTER) {
      work.sincePause = 0;
      yield;
    }
  } while (x !== startX || y !== startY || direction !== 0);
  return ring;
}

/** The pixel ahead of a corner on one side (1 right, -1 left) of the direction of travel. */
function pixelAt(x: number, y: number, direction: number, side: 1 | -1): [number, number] {
  switch (direction) {
    case 0:
      return [x, side > 0 ? y : y - 1];
    case 1:
      return [side > 0 ? x - 1 : x, y];
    case 2:
      return [x - 1, side > 0 ? y - 1 : y];
    default:
      return [side > 0 ? x : x - 1, y - 1];
  }
}

/** Douglas and Peucker (1973) on a closed ring: no dropped point lies farther than `tolerance` pixels from the outline. At least three points stay. */
export function simplifyRing(ring: readonly Point[], tolerance: number): Point[] {
  return runStepsSync(simplifyRingSteps(ring, tolerance));
}

export function* simplifyRingSteps(ring: readonly Point[], tolerance: number): Steps<Point[]> {
  if (ring.length <= 3 || tolerance <= 0) return [...ring];
  const far = farthestFrom(ring[0] as Point, ring);
  const there = yield* simplifyPath(ring.slice(0, far + 1), tolerance);
  const back = yield* simplifyPath([...ring.slice(far), ring[0] as Point], tolerance);
  const simple = [...there.slice(0, -1), ...back.slice(0, -1)];
  return simple.length >= 3 ? simple : [...ring];
}

function farthestFrom([ox, oy]: Point, points: readonly Point[]): number {
  let best = 0;
  let bestDistance = -1;
  points.forEach(([x, y], i) => {
    const distance = (x - ox) ** 2 + (y - oy) ** 2;
    if (distance > bestDistance) [best, bestDistance] = [i, distance];
  });
  return best;
}

function* simplifyPath(path: readonly Point[], tolerance: number): Steps<Point[]> {
  const keep = new Uint8Array(path.length);
  keep[0] = keep[path.length - 1] = 1;
  const open: [number, number][] = [[0, path.length - 1]];
  let unpaused = 0;
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    const [from, to] = span;
    unpaused += to - from;
    if (unpaused >= PAUSE_AFTER) {
      unpaused = 0;
      yield;
    }
    const worst = farthestFromSegment(path, from, to, tolerance);
    if (worst === undefined) continue;
    keep[worst] = 1;
    open.push([from, worst], [worst, to]);
  }
  return path.filter((_, i) => keep[i] === 1);
}

/** Index of the point between two others that lies farthest from the line they span, if farther than `tolerance`. */
function farthestFromSegment(path: readonly Point[], from: number, to: number, tolerance: number): number | undefined {
  const [ax, ay] = path[from] as Point;
  const [bx, by] = path[to] as Point;
  const dx = bx - ax;
  const dy = by - ay;
  const lengthSquared = dx * dx + dy * dy;
  let worst: number | undefined;
  let worstSquared = tolerance * tolerance;
  for (let i = from + 1; i < to; i++) {
    const point = path[i] as Point;
    const x = point[0] - ax;
    const y = point[1] - ay;
    const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (x * dx + y * dy) / lengthSquared));
    const offX = x - along * dx;
    const offY = y - along * dy;
    const squared = offX * offX + offY * offY;
    if (squared > worstSquared) [worst, worstSquared] = [i, squared];
  }
  return worst;
}
