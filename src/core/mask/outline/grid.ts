/** Chords by the squares of a grid that they pass. */
import { PAUSE_AFTER, type Steps } from '../cooperative.ts';
import type { Outline } from './spans.ts';

/** Pixels of a square's side: few chords each, and few squares for a chord. */
export const CELL = 4;

export interface ChordGrid {
  across: number;
  down: number;
  /** First entry of each square in `chords`. [across * down + 1] */
  first: Int32Array;
  /** Corners that chords lead from, square after square. */
  chords: Int32Array;
}

/** Every chord stands in each square that it touches. */
export function* gridSteps(outline: Outline, width: number, height: number): Steps<ChordGrid> {
  const across = Math.floor(width / CELL) + 1;
  const down = Math.floor(height / CELL) + 1;
  const first = new Int32Array(across * down + 1);
  let unpaused = 0;
  const each = function* (visit: (cell: number, chord: number) => void): Steps<void> {
    for (let chord = 0; chord < outline.next.length; chord++) {
      if (outline.next[chord] !== -1) unpaused += 8 * visitCells(outline, chord, across, visit);
      if (++unpaused < PAUSE_AFTER) continue;
      unpaused = 0;
      yield;
    }
  };
  yield* each((cell) => {
    first[cell + 1] = (first[cell + 1] as number) + 1;
  });
  for (let cell = 0; cell < across * down; cell++) first[cell + 1] = (first[cell + 1] as number) + (first[cell] as number);
  yield;
  const chords = new Int32Array(first[across * down] as number);
  const filled = first.slice();
  yield* each((cell, chord) => {
    const at = filled[cell] as number;
    chords[at] = chord;
    filled[cell] = at + 1;
  });
  return { across, down, first, chords };
}

/** -> the number of squares visited. */
function visitCells({ xs, ys, next }: Outline, chord: number, across: number, visit: (cell: number, chord: number) => void): number {
  const to = next[chord] as number;
  const [ax, ay, bx, by] = [xs[chord] as number, ys[chord] as number, xs[to] as number, ys[to] as number];
  const lastRow = Math.floor(Math.max(ay, by) / CELL);
  const slope = ay === by ? 0 : (bx - ax) / (by - ay);
  const [low, high] = [Math.min(ax, bx), Math.max(ax, bx)];
  let visited = 0;
  for (let row = Math.floor(Math.min(ay, by) / CELL); row <= lastRow; row++) {
    let [left, right] = [low, high];
    if (ay !== by) {
      // Where the chord enters and leaves the row's strip; a little more than rounding can take away.
      const one = ax + (row * CELL - ay) * slope;
      const other = ax + ((row + 1) * CELL - ay) * slope;
      left = Math.max(low, Math.min(one, other) - 1e-6);
      right = Math.min(high, Math.max(one, other) + 1e-6);
    }
    for (let column = Math.floor(left / CELL); column <= Math.floor(right / CELL); column++) {
      visit(row * across + column, chord);
      visited++;
    }
  }
  return visited;
}

/** The chord nearest to the left of a point at a height that no corner has, among those that `counts`; -1 where there is none. */
export function nearestToTheLeft(
  outline: Outline,
  { across, first, chords }: ChordGrid,
  x: number,
  y: number,
  counts: (chord: number) => boolean,
): { chord: number; visited: number } {
  const { ys, next } = outline;
  const row = Math.floor(y / CELL);
  let [nearest, nearestX, visited] = [-1, -Infinity, 0];
  for (let column = Math.floor(x / CELL); column >= 0 && nearestX < (column + 1) * CELL; column--) {
    const cell = row * across + column;
    for (let at = first[cell] as number; at < (first[cell + 1] as number); at++) {
      const chord = chords[at] as number;
      visited++;
      if (!counts(chord)) continue;
      const to = next[chord] as number;
      const [ay, by] = [ys[chord] as number, ys[to] as number];
      if (ay < y === by < y) continue;
      const crossing = xAt(outline, chord, y);
      if (crossing < x && crossing > nearestX) [nearest, nearestX] = [chord, crossing];
    }
    visited++;
  }
  return { chord: nearest, visited };
}

/** Pixels between a corner, whose height is a whole number, and a height to look from. */
const OFF_CORNER = 0.25;

/**
 * A chord at the far left of a ring, and a height on it just beside the leftmost corner: whatever is to the left of it there is
 * outside of the ring.
 */
export function leftSide({ xs, ys, next, before, starts, rings }: Outline, ring: number): { chord: number; y: number } {
  const start = starts[ring] as number;
  let leftmost = start;
  for (let at = next[start] as number; at !== start; at = next[at] as number) {
    if ((xs[at] as number) < (xs[leftmost] as number)) leftmost = at;
  }
  const y = ys[leftmost] as number;
  // Rings of regions lead up on their left, holes down.
  const way = rings[ring]?.hole === true ? 1 : -1;
  const isAfter = way * ((ys[next[leftmost] as number] as number) - y) > 0;
  return { chord: isAfter ? leftmost : (before[leftmost] as number), y: isAfter ? y + way * OFF_CORNER : y - way * OFF_CORNER };
}

/** Place of a chord at a height that it passes. */
export function xAt({ xs, ys, next }: Outline, chord: number, y: number): number {
  const to = next[chord] as number;
  const [ax, ay, bx, by] = [xs[chord] as number, ys[chord] as number, xs[to] as number, ys[to] as number];
  return ax + ((y - ay) / (by - ay)) * (bx - ax);
}
