/**
 * One ring for a region with holes, for formats that know none: each hole is opened to the left by a slit, a fiftieth of a pixel wide.
 * The ring stays simple, and no centre of a pixel changes sides.
 */
import { PAUSE_AFTER, type Steps } from '../cooperative.ts';
import { cornerKey } from '../polygon.ts';
import type { Point } from '../raster.ts';
import { leftSide, nearestToTheLeft, xAt, type ChordGrid } from './grid.ts';
import { ringLength, type Outline } from './spans.ts';

/** Half a slit's width, in pixels: centres of pixels are farther from its middle. */
const HALF_WIDTH = 0.01;
/** Pixels by which a hole's corner recedes from a corner of another ring of the region. */
const RECEDE = 0.05;

/** Meeting of a slit and a chord: the height, and the chord on the slit's other side. */
interface Opening {
  y: number;
  opposite: number;
}

/** The ring of each region, which leads through all of its holes; by region. */
export function* slitSteps(outline: Outline, grid: ChordGrid, width: number): Steps<Map<number, Point[]>> {
  const { ringOf, rings, starts } = outline;
  const openings = new Map<number, Opening[]>();
  const open = (chord: number, opening: Opening): void => {
    const list = openings.get(chord);
    if (list === undefined) openings.set(chord, [opening]);
    else list.push(opening);
  };
  let unpaused = 0;
  for (const [ring, { hole }] of rings.entries()) {
    if (!hole) continue;
    const { chord, y } = leftSide(outline, ring);
    const found = nearestToTheLeft(outline, grid, xAt(outline, chord, y), y, (other) => ringOf[other] !== ring);
    open(chord, { y, opposite: found.chord });
    open(found.chord, { y, opposite: chord });
    unpaused += found.visited + ringLength(outline, ring);
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  const joined = new Map<number, Point[]>();
  for (const [ring, { hole, region }] of rings.entries()) {
    if (hole) continue;
    const points = yield* walkSteps(outline, openings, starts[ring] as number, width);
    joined.set(region, points);
    unpaused += points.length;
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return joined;
}

/** A kept corner, or the two or three that stand for it where a hole meets another ring of its region. */
function cornersAt({ xs, ys, next, before, ringOf, rings }: Outline, at: number, width: number): Point[] {
  const [x, y] = [xs[at] as number, ys[at] as number];
  const ring = rings[ringOf[at] as number];
  if (ring?.hole !== true || !ring.shared.has(cornerKey(x, y, width))) return [[x, y]];
  const towards = (corner: number): Point => {
    const [dx, dy] = [(xs[corner] as number) - x, (ys[corner] as number) - y];
    const length = Math.hypot(dx, dy);
    return [dx / length, dy / length];
  };
  const [from, to] = [towards(before[at] as number), towards(next[at] as number)];
  const moved = ([dx, dy]: Point): Point => [x + RECEDE * dx, y + RECEDE * dy];
  // The hole lies to the left of its ring: beyond a straight angle its middle is a corner, too.
  const isWide = from[0] * to[1] - from[1] * to[0] <= 0;
  const middle: Point = [to[1] - from[1], from[0] - to[0]];
  return isWide ? [moved(from), moved(middle), moved(to)] : [moved(from), moved(to)];
}

/** Follows chords, and every slit on the way to its other side, back to the start. */
function* walkSteps(outline: Outline, openings: ReadonlyMap<number, Opening[]>, start: number, width: number): Steps<Point[]> {
  const { xs, ys, next } = outline;
  const points: Point[] = [];
  let chord = start;
  let from = ys[start] as number;
  points.push([xs[start] as number, from]);
  let unpaused = 0;
  for (;;) {
    const to = next[chord] as number;
    const down = (ys[to] as number) > (ys[chord] as number);
    // The next slit ahead on this chord.
    let ahead: Opening | undefined;
    for (const opening of openings.get(chord) ?? []) {
      unpaused++;
      const isAhead = down ? opening.y > from : opening.y < from;
      if (isAhead && (ahead === undefined || (down ? opening.y < ahead.y : opening.y > ahead.y))) ahead = opening;
    }
    if (ahead !== undefined) {
      // To the other side along the slit's near edge, on from there past the slit's middle.
      const { y, opposite } = ahead;
      const edge = down ? y - HALF_WIDTH : y + HALF_WIDTH;
      points.push([xAt(outline, chord, edge), edge], [xAt(outline, opposite, edge), edge]);
      chord = opposite;
      from = y;
    } else {
      if (to === start) return points;
      points.push(...cornersAt(outline, to, width));
      chord = to;
      from = ys[to] as number;
    }
    if (++unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
}
