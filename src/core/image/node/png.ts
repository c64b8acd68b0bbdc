/** Masks, uncertainty maps and parts of images as PNG files, encoded off the calling thread. */
import { ProsamError } from '../../common/errors.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import type { Raster } from '../pillow-resize.ts';
import { loadSharp } from './load-sharp.ts';

/** The mask as a PNG of its size: gray, 8 bits, 255 = marked, 0 = not. */
export async function pngFromMask({ data, width, height }: BinaryMask): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 1 } })
    .threshold(1)
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/**
 * The uncertainty of every pixel as a PNG of the image's size: gray, 0 = certain, 255 = one bit of entropy.
 * @throws OPTION_INVALID for a prediction made without the option `uncertaintyMap`
 */
export async function uncertaintyPng({ uncertaintyMap, mask }: { uncertaintyMap?: Uint8Array; mask: BinaryMask }): Promise<Uint8Array> {
  if (uncertaintyMap === undefined)
    throw new ProsamError('OPTION_INVALID', 'expected a prediction with an uncertaintyMap, got none. Predict with uncertaintyMap: true.');
  const sharp = await loadSharp();
  return sharp(uncertaintyMap, { raw: { width: mask.width, height: mask.height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** A part of an image as a file of its own. image: RGB. -> PNG. box: half-open, in whole pixels, within the image. */
export async function cutImage(
  { data, width, height }: Raster,
  [left, top, right, bottom]: readonly [number, number, number, number],
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .extract({ left, top, width: right - left, height: bottom - top })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
