/** Masks cut to a box: what is sent and kept of a large image where an object is small. */
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { polygonsFromMask } from '../../../core/mask/polygon-groups.ts';
import type { Point } from '../../../core/mask/raster.ts';
import type { PixelBox } from '../../../core/mask/cvat-rle.ts';

/** box: half-open, within the mask. */
export function cropMask(mask: BinaryMask, [x0, y0, x1, y1]: PixelBox): BinaryMask {
  const [width, height] = [x1 - x0, y1 - y0];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) data.set(mask.data.subarray((y0 + y) * mask.width + x0, (y0 + y) * mask.width + x1), y * width);
  return { data, width, height };
}

/** Outline of the largest region, in pixels of the image; crop lies with its upper left corner at (x0, y0). Empty where nothing is marked. */
export async function largestOutline(
  crop: BinaryMask,
  [x0, y0]: readonly [number, number, ...number[]],
  tolerance: number,
  signal?: AbortSignal,
): Promise<Point[]> {
  let best: Point[] = [];
  let most = 0;
  for (const { exterior } of await polygonsFromMask(crop, { tolerance, signal })) {
    const area = areaOf(exterior);
    if (area > most) [best, most] = [exterior, area];
  }
  return best.map(([x, y]): Point => [x + x0, y + y0]);
}

function areaOf(ring: readonly Point[]): number {
  let twice = 0;
  let [beforeX, beforeY] = ring.at(-1) as Point;
  for (const [x, y] of ring) {
    twice += beforeX * y - x * beforeY;
    [beforeX, beforeY] = [x, y];
  }
  return Math.abs(twice) / 2;
}
