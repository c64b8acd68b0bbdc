/** Points inside a mask on SAM's low-resolution square: the middles of its wide places first, the rest spread out. */

import type { Geometry } from '../../image/geometry.ts';
import type { Point } from '../../mask/raster.ts';

/** A mask on a square. */
export interface SquareMask {
  /** 1 = in the mask. [side * side] */
  data: Uint8Array;
  side: number;
}

/** A pixel of the square. */
export interface InnerPoint {
  x: number;
  y: number;
}

/** Centre of a pixel of the square in the image's own pixels. */
export function placeIn(
  geometry: Pick<Geometry, 'toSam'>,
  { width, height }: { width: number; height: number },
): (at: InnerPoint) => Point {
  const [lastX, lastY] = geometry.toSam(width, height, width, height);
  const [scaleX, scaleY] = [(lastX + 0.5) / (4 * width), (lastY + 0.5) / (4 * height)];
  return ({ x, y }) => [(x + 0.5) / scaleX, (y + 0.5) / scaleY];
}

/** Share of the even spacing that points keep at least. */
const SPACING = 0.9;
/** Points keep off the border: outside of it SAM may see something else. In pixels. */
const MIN_DEPTH = 1.5;
const DIAGONAL = Math.SQRT2;

/** Length of the shortest way out of the mask in steps of 1 and sqrt 2, at most one step too short beside a border of the square. [side * side] */
export function depthOf({ data, side }: SquareMask): Float32Array {
  const depth = new Float32Array(data.length);
  const relax = (x: number, y: number, direction: 1 | -1): void => {
    const at = y * side + x;
    if (data[at] === 0) return;
    const before = (dx: number, dy: number): number => {
      const [nx, ny] = [x - direction * dx, y - direction * dy];
      return nx < 0 || ny < 0 || nx >= side || ny >= side ? 0 : (depth[ny * side + nx] as number);
    };
    const least = Math.min(before(1, 0) + 1, before(0, 1) + 1, before(1, 1) + DIAGONAL, before(-1, 1) + DIAGONAL);
    depth[at] = direction === 1 ? least : Math.min(depth[at] as number, least);
  };
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) relax(x, y, 1);
  for (let y = side - 1; y >= 0; y--) for (let x = side - 1; x >= 0; x--) relax(x, y, -1);
  return depth;
}

/** depth: of the mask. most: points at most. -> the deepest first; none where the mask is nowhere wide enough */
export function innerPoints({ data, side }: SquareMask, depth: Float32Array, most: number): InnerPoint[] {
  const inside: number[] = [];
  let area = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    area++;
    if ((depth[i] as number) >= MIN_DEPTH) inside.push(i);
  }
  inside.sort((a, b) => (depth[b] as number) - (depth[a] as number) || a - b);
  const apart = Math.max(2, SPACING * Math.sqrt(area / most));
  const points: InnerPoint[] = [];
  for (const i of inside) {
    if (points.length === most) break;
    const [x, y] = [i % side, Math.floor(i / side)];
    if (points.every((other) => Math.hypot(x - other.x, y - other.y) >= apart)) points.push({ x, y });
  }
  return points;
}
