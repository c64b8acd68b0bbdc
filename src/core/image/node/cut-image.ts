/** A part of an image as an image file of its own. */
import sharp from 'sharp';
import type { Raster } from '../pillow-resize.ts';

/** image: RGB. -> PNG. box: half-open, in whole pixels, within the image. */
export async function cutImage(
  { data, width, height }: Raster,
  [left, top, right, bottom]: readonly [number, number, number, number],
): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .extract({ left, top, width: right - left, height: bottom - top })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
