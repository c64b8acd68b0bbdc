/** Masks cut to a box: what is sent and kept of a large image where an object is small. */
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { outlinesOf } from '../../../core/mask/outlines.ts';
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
  const [largest = []] = await outlinesOf(crop, { tolerance, least: Infinity, signal });
  return largest.map(([x, y]): Point => [x + x0, y + y0]);
}
