/**
 * Rings of a mask with the corners that are kept of each. A span leads from a kept corner to the next; its chord, the straight line
 * between both, stands for the corners it leaves out.
 */
import { PAUSE_AFTER, type Steps } from '../cooperative.ts';
import type { TracedRing, TracedRings } from '../polygon.ts';

export interface Outline {
  /** Corners of all rings, one ring after the other. [corners] */
  xs: Int32Array;
  ys: Int32Array;
  /** Ring of each corner. [corners] */
  ringOf: Int32Array;
  /** First corner of each ring, and the number of all corners. [rings + 1] */
  starts: readonly number[];
  /** The kept corner after a kept one; -1 for corners that are left out. [corners] */
  next: Int32Array;
  /** The kept corner before a kept one. [corners] */
  before: Int32Array;
  /** Bound of the area between a span's corners and its chord, in pixels, at the corner it leads from. [corners] */
  loss: Float64Array;
  rings: readonly TracedRing[];
}

/** An outline that keeps every corner. */
export function* outlineSteps({ rings, xs, ys, starts }: TracedRings): Steps<Outline> {
  const corners = starts[rings.length] as number;
  const outline = {
    ...{ rings, xs, ys, starts },
    ringOf: new Int32Array(corners),
    next: new Int32Array(corners),
    before: new Int32Array(corners),
    loss: new Float64Array(corners),
  };
  let unpaused = 0;
  for (let ring = 0; ring < rings.length; ring++) {
    outline.ringOf.fill(ring, starts[ring], starts[ring + 1]);
    keepAll(outline, ring);
    unpaused += (starts[ring + 1] as number) - (starts[ring] as number);
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return outline;
}

/** Ends of a span's corners in the arrays: from < left out < end. Spans end where their ring does, at the latest. */
function endOf({ next, ringOf, starts }: Outline, from: number): number {
  const to = next[from] as number;
  return to > from ? to : (starts[(ringOf[from] as number) + 1] as number);
}

/** True where a span leaves out nothing. */
export function isExact(outline: Outline, from: number): boolean {
  return endOf(outline, from) === from + 1;
}

/** Keeps every corner of a ring. */
export function keepAll({ next, before, starts, loss }: Pick<Outline, 'next' | 'before' | 'starts' | 'loss'>, ring: number): void {
  const [start, end] = [starts[ring] as number, starts[ring + 1] as number];
  for (let at = start; at < end; at++) {
    next[at] = at + 1 === end ? start : at + 1;
    before[at] = at === start ? end - 1 : at - 1;
    loss[at] = 0;
  }
}

/** Keeps as few corners of a ring as the method of Douglas and Peucker (1973) finds: none that is left out lies farther than `tolerance` from its chord. */
export function* reduceRingSteps(outline: Outline, ring: number, tolerance: number): Steps<void> {
  const { xs, ys, next, before, starts } = outline;
  const [start, end] = [starts[ring] as number, starts[ring + 1] as number];
  let [far, distance] = [start, -1];
  for (let at = start; at < end; at++) {
    const squared = ((xs[at] as number) - (xs[start] as number)) ** 2 + ((ys[at] as number) - (ys[start] as number)) ** 2;
    if (squared > distance) [far, distance] = [at, squared];
  }
  next.fill(-1, start, end);
  next[start] = before[start] = far;
  next[far] = before[far] = start;
  yield* reduceSpanSteps(outline, start, tolerance);
  yield* reduceSpanSteps(outline, far, tolerance);
}

function* reduceSpanSteps(outline: Outline, from: number, tolerance: number): Steps<void> {
  const open = [from];
  let unpaused = 0;
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    unpaused += endOf(outline, span) - span;
    if (unpaused >= PAUSE_AFTER) {
      unpaused = 0;
      yield;
    }
    if (isExact(outline, span)) {
      outline.loss[span] = 0;
      continue;
    }
    const { corner, distance } = farthest(outline, span);
    if (distance > tolerance) {
      keep(outline, span, corner);
      open.push(span, corner);
    } else outline.loss[span] = lossOf(outline, span);
  }
}

/** Keeps one more corner of a span, the one farthest from its chord; what it leaves then keeps to the tolerance, too. */
export function* splitSteps(outline: Outline, from: number, tolerance: number): Steps<void> {
  if (isExact(outline, from)) return;
  const { corner } = farthest(outline, from);
  keep(outline, from, corner);
  yield* reduceSpanSteps(outline, from, tolerance);
  yield* reduceSpanSteps(outline, corner, tolerance);
}

function keep({ next, before }: Outline, from: number, corner: number): void {
  const to = next[from] as number;
  next[from] = corner;
  next[corner] = to;
  before[to] = corner;
  before[corner] = from;
}

/** The corner of a span that lies farthest from its chord. */
function farthest(outline: Outline, from: number): { corner: number; distance: number } {
  const { xs, ys, next } = outline;
  const [end, to] = [endOf(outline, from), next[from] as number];
  const [ax, ay] = [xs[from] as number, ys[from] as number];
  const dx = (xs[to] as number) - ax;
  const dy = (ys[to] as number) - ay;
  const lengthSquared = dx * dx + dy * dy;
  let corner = from + 1;
  let worst = -1;
  for (let at = from + 1; at < end; at++) {
    const x = (xs[at] as number) - ax;
    const y = (ys[at] as number) - ay;
    const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (x * dx + y * dy) / lengthSquared));
    const offX = x - along * dx;
    const offY = y - along * dy;
    const squared = offX * offX + offY * offY;
    if (squared > worst) [corner, worst] = [at, squared];
  }
  return { corner, distance: Math.sqrt(worst) };
}

/**
 * Area between a span's corners and its chord: the line through the chord cuts the way into lobes, whose areas are added up. Filling
 * the chord in place of the corners changes no more than that.
 */
function lossOf(outline: Outline, from: number): number {
  const { xs, ys, next } = outline;
  const [end, to] = [endOf(outline, from), next[from] as number];
  const [ax, ay] = [xs[from] as number, ys[from] as number];
  const dx = (xs[to] as number) - ax;
  const dy = (ys[to] as number) - ay;
  let [x, y, side, lobe, twice] = [0, 0, 0, 0, 0];
  for (let at = from + 1; at <= end; at++) {
    const corner = at === end ? to : at;
    const nextX = (xs[corner] as number) - ax;
    const nextY = (ys[corner] as number) - ay;
    const nextSide = dx * nextY - dy * nextX;
    if (side * nextSide < 0) {
      const share = side / (side - nextSide);
      const [crossX, crossY] = [x + share * (nextX - x), y + share * (nextY - y)];
      twice += Math.abs(lobe + x * crossY - crossX * y);
      lobe = crossX * nextY - nextX * crossY;
    } else {
      lobe += x * nextY - nextX * y;
      if (nextSide === 0) [twice, lobe] = [twice + Math.abs(lobe), 0];
    }
    [x, y, side] = [nextX, nextY, nextSide];
  }
  return (twice + Math.abs(lobe)) / 2;
}

/** Corners of a ring, kept or not. */
export function ringLength({ starts }: Pick<Outline, 'starts'>, ring: number): number {
  return (starts[ring + 1] as number) - (starts[ring] as number);
}
