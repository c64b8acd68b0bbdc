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
  const radius = Math.max(width / 2, 0.5);
  path.forEach((vertex, i) => {
    const next = path[i + 1];
    if (next !== undefined || path.length === 1) drawSegment(mask, vertex, next ?? vertex, radius);
  });
}

function drawSegment(mask: BinaryMask, [ax, ay]: Point, [bx, by]: Point, radius: number): void {
  const dx = bx - ax;
  const dy = by - ay;
  const lengthSquared = dx * dx + dy * dy;
  const top = Math.max(0, Math.floor(Math.min(ay, by) - radius));
  const bottom = Math.min(mask.height - 1, Math.ceil(Math.max(ay, by) + radius));
  const left = Math.max(0, Math.floor(Math.min(ax, bx) - radius));
  const right = Math.min(mask.width - 1, Math.ceil(Math.max(ax, bx) + radius));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const fromX = x + 0.5 - ax;
      const fromY = y + 0.5 - ay;
      const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (fromX * dx + fromY * dy) / lengthSquared));
      const offX = fromX - along * dx;
      const offY = fromY - along * dy;
      if (offX * offX + offY * offY <= radius * radius) mask.data[y * mask.width + x] = 1;
    }
  }
}

/** Tight box of the set pixels as [x0, y0, x1, y1) or undefined for an empty mask. */
export function boundingBox(mask: BinaryMask): [x0: number, y0: number, x1: number, y1: number] | undefined {
  let [x0, y0, x1, y1] = [mask.width, mask.height, 0, 0];
  for (let y = 0; y < mask.height; y++) {
    const row = mask.data.subarray(y * mask.width, (y + 1) * mask.width);
    const first = row.findIndex((value) => value !== 0);
    if (first < 0) continue;
    x0 = Math.min(x0, first);
    x1 = Math.max(x1, row.findLastIndex((value) => value !== 0) + 1);
    y0 = Math.min(y0, y);
    y1 = y + 1;
  }
  return x1 > 0 ? [x0, y0, x1, y1] : undefined;
}

/** Number of set pixels. */
export function maskArea(mask: BinaryMask): number {
  let area = 0;
  for (const value of mask.data) if (value !== 0) area++;
  return area;
}
