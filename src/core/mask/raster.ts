/** Drawing marks onto a mask. Coordinates are continuous: pixel (i, j) covers i <= x < i + 1, j <= y < j + 1. */
import type { BinaryMask } from './label-reduction.ts';

export type Point = readonly [x: number, y: number];

export function emptyMask(width: number, height: number): BinaryMask {
  return { data: new Uint8Array(width * height), width, height };
}

/** Pixels x0 <= x < x1, y0 <= y < y1, cut to the mask. */
export function fillBox(mask: BinaryMask, [x0, y0, x1, y1]: readonly [number, number, number, number]): void {
  const left = Math.max(0, Math.round(x0));
  const right = Math.min(mask.width, Math.round(x1));
  for (let y = Math.max(0, Math.round(y0)); y < Math.min(mask.height, Math.round(y1)); y++) {
    if (left < right) mask.data.fill(1, y * mask.width + left, y * mask.width + right);
  }
}

/** All pixels whose centre lies inside the rings (even-odd rule: an inner ring is a hole). */
export function fillPolygon(mask: BinaryMask, rings: readonly (readonly Point[])[]): void {
  for (let y = 0; y < mask.height; y++) {
    const centre = y + 0.5;
    const crossings: number[] = [];
    for (const ring of rings) {
      for (let i = 0; i < ring.length; i++) {
        const [ax, ay] = ring[i] as Point;
        const [bx, by] = ring[(i + 1) % ring.length] as Point;
        if (ay <= centre !== by <= centre) crossings.push(ax + ((centre - ay) / (by - ay)) * (bx - ax));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil((crossings[i] as number) - 0.5));
      const to = Math.min(mask.width, Math.ceil((crossings[i + 1] as number) - 0.5));
      if (from < to) mask.data.fill(1, y * mask.width + from, y * mask.width + to);
    }
  }
}

/** A round brush of the given width along a path; a single vertex leaves a disc. */
export function drawStroke(mask: BinaryMask, path: readonly Point[], width: number): void {
  const radius = Math.max(width / 2, Math.SQRT1_2); // reaches the centre of the pixel a vertex lies in, wherever in it
  path.forEach((vertex, i) => {
    const next = path[i + 1];
    if (next !== undefined || path.length === 1) drawSegment(mask, vertex, next ?? vertex, radius);
  });
}

/** Row by row: a segment's outline is convex, so each row holds one run of its pixels. Wide brushes cost no more than thin ones. */
function drawSegment(mask: BinaryMask, a: Point, b: Point, radius: number): void {
  const top = Math.max(0, Math.floor(Math.min(a[1], b[1]) - radius));
  const bottom = Math.min(mask.height - 1, Math.ceil(Math.max(a[1], b[1]) + radius));
  const sides = longSides(a, b, radius);
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
    if (from < to) mask.data.fill(1, y * mask.width + from, y * mask.width + to);
  }
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

/** One plain loop over the pixels: it runs on every mask there is, and callbacks take ten times as long. */
export function maskExtent({ data, width, height }: BinaryMask): MaskExtent {
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
