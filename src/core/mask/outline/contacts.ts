/** Chords that touch or cross others, and rings that a chord has passed by: both are told apart from the corners' whole numbers, exactly. */
import { PAUSE_AFTER, type Steps } from '../cooperative.ts';
import { CELL, leftSide, nearestToTheLeft, xAt, type ChordGrid } from './grid.ts';
import { isExact, ringLength, type Outline } from './spans.ts';

/** Chords of spans in contact with another chord. Rings may share a corner without crossing there, as those of the mask itself do. */
export function* contactSteps(outline: Outline, { first, chords }: ChordGrid): Steps<Set<number>> {
  const found = new Set<number>();
  const { next } = outline;
  const report = (...spans: readonly number[]): void => {
    for (const span of spans) if (!isExact(outline, span)) found.add(span);
  };
  let unpaused = 0;
  for (let cell = 0; cell + 1 < first.length; cell++) {
    const [from, to] = [first[cell] as number, first[cell + 1] as number];
    unpaused += 1 + to - from;
    for (let i = from; i < to; i++) {
      const one = chords[i] as number;
      // Two chords that leave out nothing are edges of the mask.
      if (isExact(outline, one)) continue;
      for (let j = from; j < to; j++) {
        const other = chords[j] as number;
        if (one === other || !inContact(outline, one, other)) continue;
        report(one, other);
      }
      unpaused += to - from;
      for (const corner of [one, next[one] as number]) {
        for (let j = from; j < to; j++) {
          const other = chords[j] as number;
          if (!crossAt(outline, corner, other)) continue;
          report(corner, outline.before[corner] as number, other, outline.before[other] as number);
        }
      }
    }
    if (unpaused < PAUSE_AFTER >> 2) continue;
    unpaused = 0;
    yield;
  }
  return found;
}

const cross = (ax: number, ay: number, bx: number, by: number): number => ax * by - ay * bx;

/** Whether chords meet anywhere but in a corner they share. */
function inContact({ xs, ys, next }: Outline, one: number, other: number): boolean {
  const [oneTo, otherTo] = [next[one] as number, next[other] as number];
  const [ax, ay, bx, by] = [xs[one] as number, ys[one] as number, xs[oneTo] as number, ys[oneTo] as number];
  const [cx, cy, dx, dy] = [xs[other] as number, ys[other] as number, xs[otherTo] as number, ys[otherTo] as number];
  if (Math.max(ax, bx) < Math.min(cx, dx) || Math.max(cx, dx) < Math.min(ax, bx)) return false;
  if (Math.max(ay, by) < Math.min(cy, dy) || Math.max(cy, dy) < Math.min(ay, by)) return false;
  const c = cross(bx - ax, by - ay, cx - ax, cy - ay);
  const d = cross(bx - ax, by - ay, dx - ax, dy - ay);
  const a = cross(dx - cx, dy - cy, ax - cx, ay - cy);
  const b = cross(dx - cx, dy - cy, bx - cx, by - cy);
  // On one line: they overlap unless they touch end to end.
  if (c === 0 && d === 0) {
    const along = (x: number, y: number): number => x * (bx - ax) + y * (by - ay);
    const [low, high] = [along(ax, ay), along(bx, by)];
    const [p, q] = [along(cx, cy), along(dx, dy)];
    return Math.max(p, q) > low && Math.min(p, q) < high;
  }
  if (c * d > 0 || a * b > 0) return false;
  const shared = (ax === cx && ay === cy) || (ax === dx && ay === dy) || (bx === cx && by === cy) || (bx === dx && by === dy);
  return !shared;
}

/** Whether the way through one kept corner crosses the way through another at the same place. */
function crossAt({ xs, ys, next, before }: Outline, one: number, other: number): boolean {
  const [x, y] = [xs[one] as number, ys[one] as number];
  if (one === other || xs[other] !== x || ys[other] !== y) return false;
  const ray = (corner: number): [number, number] => [(xs[corner] as number) - x, (ys[corner] as number) - y];
  const from = ray(next[one] as number);
  const to = ray(before[one] as number);
  return isBetween(from, to, ray(next[other] as number)) !== isBetween(from, to, ray(before[other] as number));
}

type Ray = readonly [x: number, y: number];

/** Whether a ray lies between two others, turning clockwise on screen from the first. */
function isBetween([fromX, fromY]: Ray, [toX, toY]: Ray, [x, y]: Ray): boolean {
  const afterFrom = cross(fromX, fromY, x, y) > 0;
  const beforeTo = cross(x, y, toX, toY) > 0;
  return cross(fromX, fromY, toX, toY) > 0 ? afterFrom && beforeTo : afterFrom || beforeTo;
}

/** Rings that lie on the wrong side of another: a chord has passed them by. Of each, the spans nearby that leave out corners. */
export function* passedBySteps(outline: Outline, grid: ChordGrid, tolerance: number): Steps<Set<number>> {
  const { ringOf, rings } = outline;
  const found = new Set<number>();
  let unpaused = 0;
  for (const [ring, { hole, region }] of rings.entries()) {
    const { chord, y } = leftSide(outline, ring);
    const x = xAt(outline, chord, y);
    const nearest = nearestToTheLeft(outline, grid, x, y, (other) => ringOf[other] !== ring);
    unpaused += ringLength(outline, ring) + nearest.visited;
    if (unpaused >= PAUSE_AFTER) {
      unpaused = 0;
      yield;
    }
    if (facesRegion(outline, nearest.chord) === (hole ? region : -1)) continue;
    const reach = 2 * tolerance + 1;
    const reported = found.size;
    for (const near of chordsWithin(grid, x - reach, y - reach, x + reach, y + reach)) {
      if (!isExact(outline, near)) found.add(near);
    }
    if (found.size === reported) for (const other of [chord, nearest.chord]) if (other !== -1) found.add(other);
  }
  return found;
}

/** Region on the right of a chord, -1 where there is none. */
function facesRegion({ ys, next, ringOf, rings }: Outline, chord: number): number {
  if (chord === -1 || (ys[next[chord] as number] as number) > (ys[chord] as number)) return -1;
  return rings[ringOf[chord] as number]?.region ?? -1;
}

function* chordsWithin({ across, down, first, chords }: ChordGrid, x0: number, y0: number, x1: number, y1: number): Generator<number> {
  const column = (x: number): number => Math.min(across - 1, Math.max(0, Math.floor(x / CELL)));
  for (let row = Math.max(0, Math.floor(y0 / CELL)); row <= Math.min(down - 1, Math.floor(y1 / CELL)); row++) {
    const from = first[row * across + column(x0)] as number;
    const to = first[row * across + column(x1) + 1] as number;
    for (let at = from; at < to; at++) yield chords[at] as number;
  }
}
