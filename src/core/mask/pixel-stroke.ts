/**
 * The benchmark's strokes: wide lines between whole pixels drawn the way Pillow draws them (flat ends, corners rounded to
 * pixels), plus a disc of radius floor(width / 2) - 1 on every vertex. Labelers' own scribbles use the round brush of
 * `raster.ts`.
 */
import type { BinaryMask } from './label-reduction.ts';
import type { Point } from './raster.ts';

/** Vertices are truncated to whole pixels; width in pixels. */
export function drawPixelStroke(mask: BinaryMask, path: readonly Point[], width: number): void {
  const vertices = path.map(([x, y]): Point => [Math.trunc(x), Math.trunc(y)]);
  vertices.forEach((vertex, i) => {
    const next = vertices[i + 1];
    if (next !== undefined) fillQuad(mask, wideLine(vertex, next, width));
    fillDisc(mask, vertex, Math.floor(width / 2) - 1);
  });
}

const halfUp = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
const halfDown = (value: number): number => Math.sign(value) * Math.ceil(Math.abs(value) - 0.5);

/** Corners of a line of the given width, on whole pixels. */
function wideLine([ax, ay]: Point, [bx, by]: Point, width: number): Point[] {
  const dx = bx - ax;
  const dy = by - ay;
  const length = Math.hypot(dx, dy);
  if (length === 0) return [[ax, ay]];
  const half = (width - 1) / 2;
  const lower = halfDown(half) / length;
  const upper = halfUp(half) / length;
  const [offXLow, offXHigh] = [halfDown(lower * dy), halfDown(upper * dy)];
  const [offYLow, offYHigh] = [halfUp(lower * dx), halfUp(upper * dx)];
  return [
    [ax - offXLow, ay + offYHigh],
    [bx - offXLow, by + offYHigh],
    [bx + offXHigh, by - offYLow],
    [ax + offXHigh, ay - offYLow],
  ];
}

/** Fills a convex outline of pixel centres, borders included. */
function fillQuad(mask: BinaryMask, corners: readonly Point[]): void {
  const ys = corners.map(([, y]) => y);
  const bottom = Math.min(mask.height - 1, Math.max(...ys));
  for (let y = Math.max(0, Math.min(...ys)); y <= bottom; y++) {
    let left = Infinity;
    let right = -Infinity;
    corners.forEach(([ax, ay], i) => {
      const [bx, by] = corners[(i + 1) % corners.length] as Point;
      if (y < Math.min(ay, by) || y > Math.max(ay, by)) return;
      const xs = ay === by ? [ax, bx] : [ax + ((y - ay) / (by - ay)) * (bx - ax)];
      left = Math.min(left, ...xs);
      right = Math.max(right, ...xs);
    });
    fillRow(mask, y, halfUp(left), halfDown(right));
  }
}

function fillDisc(mask: BinaryMask, [cx, cy]: Point, radius: number): void {
  for (let y = -radius; y <= radius; y++) {
    const reach = Math.floor(Math.sqrt((radius + 0.5) ** 2 - y * y));
    if (cy + y >= 0 && cy + y < mask.height) fillRow(mask, cy + y, cx - reach, cx + reach);
  }
}

/** Pixels from..to of a row, both included. */
function fillRow(mask: BinaryMask, y: number, from: number, to: number): void {
  const left = Math.max(0, from);
  const right = Math.min(mask.width - 1, to);
  if (left <= right) mask.data.fill(1, y * mask.width + left, y * mask.width + right + 1);
}
