/** Drawing annotations onto a mask. Coordinates are continuous: pixel (i, j) covers i <= x < i + 1, j <= y < j + 1. */
import { runStepsSync, PAUSE_AFTER, PAUSE_AFTER_PLAIN, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';

export type Point = readonly [x: number, y: number];

export function emptyMask(width: number, height: number): BinaryMask {
  return { data: new Uint8Array(width * height), width, height };
}

/** Pixels x0 <= x < x1, y0 <= y < y1, cut to the mask. */
export function fillBox(mask: BinaryMask, box: readonly [number, number, number, number]): void {
  runStepsSync(fillBoxSteps(mask, box));
}

/** Returns the number of pixels painted. */
export function* fillBoxSteps(mask: BinaryMask, [x0, y0, x1, y1]: readonly [number, number, number, number]): Steps<number> {
  const left = Math.max(0, Math.round(x0));
  const right = Math.min(mask.width, Math.round(x1));
  const top = Math.max(0, Math.round(y0));
  const bottom = Math.min(mask.height, Math.round(y1));
  if (left >= right || top >= bottom) return 0;
  for (let y = top, unpaused = 0; y < bottom; y++) {
    mask.data.fill(1, y * mask.width + left, y * mask.width + right);
    unpaused += right - left;
    if (unpaused < PAUSE_AFTER_PLAIN) continue;
    unpaused = 0;
    yield;
  }
  return (right - left) * (bottom - top);
}

/** All pixels whose centre lies inside the rings (even-odd rule: an inner ring is a hole). */
export function fillPolygon(mask: BinaryMask, rings: readonly (readonly Point[])[]): void {
  runStepsSync(fillPolygonSteps(mask, rings));
}

/** An edge of a polygon, and the rows whose centres it may cross: from <= row < to. */
interface Edge {
  a: Point;
  b: Point;
  from: number;
  to: number;
}

/** Returns the number of pixels painted. Takes time for the rows each edge passes, not for the size of the mask. */
export function* fillPolygonSteps(mask: BinaryMask, rings: readonly (readonly Point[])[]): Steps<number> {
  const edges = edgesOf(rings, mask.height).sort((one, other) => one.from - other.from);
  let painted = 0;
  let begun = 0;
  let active: Edge[] = [];
  let unpaused = edges.length;
  for (let y = edges[0]?.from ?? mask.height; y < mask.height; y++) {
    active = active.filter(({ to }) => to > y);
    while (begun < edges.length && (edges[begun] as Edge).from <= y) active.push(edges[begun++] as Edge);
    if (active.length === 0) {
      if (begun === edges.length) break;
      y = (edges[begun] as Edge).from - 1;
      continue;
    }
    const crossings = crossingsAt(y + 0.5, active);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil((crossings[i] as number) - 0.5));
      const to = Math.min(mask.width, Math.ceil((crossings[i + 1] as number) - 0.5));
      if (from >= to) continue;
      mask.data.fill(1, y * mask.width + from, y * mask.width + to);
      painted += to - from;
      unpaused += (to - from) >> 4;
    }
    unpaused += 16 + active.length;
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return painted;
}

function edgesOf(rings: readonly (readonly Point[])[], height: number): Edge[] {
  const edges: Edge[] = [];
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i++) {
      const a = ring[i] as Point;
      const b = ring[(i + 1) % ring.length] as Point;
      // One row more on either side: whether it is crossed is told by its centre.
      const from = Math.max(0, Math.floor(Math.min(a[1], b[1]) - 0.5));
      const to = Math.min(height, Math.ceil(Math.max(a[1], b[1])) + 1);
      if (from < to) edges.push({ a, b, from, to });
    }
  }
  return edges;
}

/** Rows that all edges of a polygon pass, added up: what filling it costs. */
export function polygonRows(rings: readonly (readonly Point[])[], height: number): number {
  return edgesOf(rings, height).reduce((rows, { from, to }) => rows + to - from, 0);
}

/** In ascending order. */
function crossingsAt(centre: number, edges: readonly Edge[]): Float64Array {
  const crossings = new Float64Array(edges.length);
  let count = 0;
  for (const {
    a: [ax, ay],
    b: [bx, by],
  } of edges) {
    if (ay <= centre !== by <= centre) crossings[count++] = ax + ((centre - ay) / (by - ay)) * (bx - ax);
  }
  return crossings.subarray(0, count).sort();
}

/** A round brush of the given width along a path; a single vertex leaves a disc. */
export function drawStroke(mask: BinaryMask, path: readonly Point[], width: number): void {
  runStepsSync(drawStrokeSteps(mask, path, width));
}

/** Returns the number of pixels painted, each as often as it was. */
export function* drawStrokeSteps(mask: BinaryMask, path: readonly Point[], width: number): Steps<number> {
  const radius = Math.max(width / 2, Math.SQRT1_2); // reaches the centre of the pixel a vertex lies in, wherever in it
  let painted = 0;
  for (const [i, vertex] of path.entries()) {
    const next = path[i + 1];
    if (next !== undefined || path.length === 1) painted += yield* drawSegment(mask, vertex, next ?? vertex, radius);
  }
  return painted;
}

/** Cost of a row of a segment, in pixels painted. */
const ROW_COST = 64;

/** Cost of drawing a stroke, in pixels painted: at most the area around each segment and its rows. */
export function strokeCost(path: readonly Point[], width: number, mask: { width: number; height: number }): number {
  let cost = 0;
  for (const [i, [x, y]] of path.entries()) {
    const [nextX, nextY] = path[i + 1] ?? [x, y];
    const rows = Math.min(mask.height, Math.abs(nextY - y) + width + 2);
    const area = width * Math.hypot(nextX - x, nextY - y) + (width + 2) ** 2;
    cost += ROW_COST * rows + Math.min(area, rows * mask.width);
  }
  return cost;
}

/** Row by row: a segment's outline is convex, so each row holds one run of its pixels. Wide brushes cost no more than thin ones. */
function* drawSegment(mask: BinaryMask, a: Point, b: Point, radius: number): Steps<number> {
  const top = Math.max(0, Math.floor(Math.min(a[1], b[1]) - radius));
  const bottom = Math.min(mask.height - 1, Math.ceil(Math.max(a[1], b[1]) + radius));
  const sides = longSides(a, b, radius);
  let painted = 0;
  let unpaused = 0;
  for (let y = top; y <= bottom; y++) {
    const centre = y + 0.5;
    let left = Infinity;
    let right = -Infinity;
    for (const [x, endY] of [a, b]) {
      const reach = Math.sqrt(radius * radius - (centre - endY) ** 2); // NaN outside the disc: it changes nothing below
      if (x - reach < left) left = x - reach;
      if (x + reach > right) right = x + reach;
    }
    for (const [[fromX, fromY], [toX, toY]] of sides) {
      if (fromY <= centre === toY <= centre) continue;
      const x = fromX + ((centre - fromY) / (toY - fromY)) * (toX - fromX);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
    const from = Math.max(0, Math.ceil(left - 0.5));
    const to = Math.min(mask.width, Math.floor(right + 0.5));
    if (from < to) {
      mask.data.fill(1, y * mask.width + from, y * mask.width + to);
      painted += to - from;
      unpaused += (to - from) >> 4;
    }
    unpaused += 16;
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  // Many short segments pause between them.
  yield;
  return painted;
}

/** The two straight sides of a segment's outline; its round ends lie between them. */
function longSides([ax, ay]: Point, [bx, by]: Point, radius: number): [Point, Point][] {
  const length = Math.hypot(bx - ax, by - ay);
  if (length === 0) return [];
  const offX = ((by - ay) / length) * radius;
  const offY = ((ax - bx) / length) * radius;
  return [1, -1].map((side): [Point, Point] => [
    [ax + side * offX, ay + side * offY],
    [bx + side * offX, by + side * offY],
  ]);
}

export interface MaskExtent {
  /** Number of set pixels. */
  area: number;
  /** Tight box [x0, y0, x1, y1) of the set pixels; absent for an empty mask. */
  boxXyxy?: [x0: number, y0: number, x1: number, y1: number];
}

export function maskExtent(mask: BinaryMask): MaskExtent {
  return runStepsSync(maskExtentSteps(mask));
}

/** One plain loop over the pixels: it runs on every mask there is, and callbacks take ten times as long. */
export function* maskExtentSteps({ data, width, height }: BinaryMask): Steps<MaskExtent> {
  let unpaused = 0;
  let area = 0;
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  for (let y = 0, at = 0; y < height; y++) {
    const before = area;
    for (let x = 0; x < width; x++, at++) {
      if (data[at] === 0) continue;
      area++;
      if (x < x0) x0 = x;
      if (x >= x1) x1 = x + 1;
    }
    unpaused += width;
    if (unpaused >= PAUSE_AFTER_PLAIN) {
      unpaused = 0;
      yield;
    }
    if (area === before) continue;
    if (y < y0) y0 = y;
    y1 = y + 1;
  }
  return area === 0 ? { area } : { area, boxXyxy: [x0, y0, x1, y1] };
}

/** Tight box of the set pixels as [x0, y0, x1, y1) or undefined for an empty mask. */
export function boundingBox(mask: BinaryMask): MaskExtent['boxXyxy'] {
  return maskExtent(mask).boxXyxy;
}

/** Number of set pixels. */
export function maskArea(mask: BinaryMask): number {
  return maskExtent(mask).area;
}
