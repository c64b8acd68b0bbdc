/** Outlines of a mask for formats whose polygons have no holes. */
import type { BinaryMask } from './label-reduction.ts';
import { polygonsFromMask } from './polygon-groups.ts';
import type { Point } from './raster.ts';

export interface OutlinesOptions {
  /** Pixels an outline may deviate; less where a region would change too much. */
  tolerance: number;
  /** Pixels of the smallest region that has an outline, beside the largest, which always has one. @default 0 */
  least?: number;
  signal?: AbortSignal | undefined;
}

/** One simple ring a region, largest region first; holes are opened by slits. @throws OPTION_INVALID, the signal's reason */
export async function outlinesOf(mask: BinaryMask, { tolerance, least = 0, signal }: OutlinesOptions): Promise<Point[][]> {
  const polygons = await polygonsFromMask(mask, { tolerance, holes: 'slits', signal });
  return polygons
    .map(({ exterior }) => exterior)
    .reverse()
    .filter((ring, place) => place === 0 || ringArea(ring) >= least);
}

/** Pixels inside a ring that does not cross itself. */
export function ringArea(ring: readonly Point[]): number {
  let twice = 0;
  let [beforeX, beforeY] = ring.at(-1) as Point;
  for (const [x, y] of ring) {
    twice += beforeX * y - x * beforeY;
    [beforeX, beforeY] = [x, y];
  }
  return Math.abs(twice) / 2;
}
