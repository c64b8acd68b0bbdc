/** Mask files to marked pixels in Node. */
import { isProsamError, messageOf, ProsamError } from '../../common/errors.ts';
import { runSteps } from '../../mask/cooperative.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import type { ImageLimits } from '../image-limits.ts';
import type { MaskChoice } from '../../mask/mask-choice.ts';
import { markedSteps } from '../mask-file.ts';
import { maskSamples } from '../mask-samples.ts';
import type { MaskPixels } from '../mask-values.ts';
import { pngPalette } from '../png-palette.ts';
import { uprightSteps } from '../values/orient.ts';
import { openImage, type OpenedImage } from './open-image.ts';
import { tiffSamples } from './tiff.ts';

/**
 * Upright mask of 0 and 1. choice: the value or colour that is marked. label: name for messages.
 * @throws IMAGE_*; ANNOTATION_INVALID where it is not plain which pixels are marked
 */
export async function decodeMaskFile(bytes: Uint8Array, label: string, limits: ImageLimits = {}, choice?: MaskChoice): Promise<BinaryMask> {
  const opened = await openImage(bytes, label, limits); // refuses what is too large, and what no decoder should see
  const pixels = await pixelsOf(opened, bytes, label).catch((cause: unknown) => {
    if (isProsamError(cause)) throw cause;
    throw new ProsamError('IMAGE_UNREADABLE', `${label}: expected an image as mask, but ${messageOf(cause)}.`, { cause });
  });
  return runSteps(markedSteps(pixels, choice, label));
}

async function pixelsOf(opened: OpenedImage, bytes: Uint8Array, label: string): Promise<MaskPixels> {
  const { tiff } = opened;
  if (tiff) {
    const samples = await tiffSamples(bytes, tiff.page, tiff.littleEndian, label);
    return runSteps(uprightSteps(await runSteps(maskSamples(samples, label)), tiff.page.orientation));
  }
  const image = await opened.image();
  const metadata = await image.metadata();
  // A mask drawn in the alpha channel only (opaque = marked) is as common as one in black and white.
  if (metadata.hasAlpha && !(await image.clone().stats()).isOpaque) {
    const { data, info } = await image
      .autoOrient()
      .extractChannel('alpha')
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data: plain(data), width: info.width, height: info.height, channels: 1, isAlpha: true };
  }
  const palette = pngPalette(bytes);
  const isGrey = palette === undefined && metadata.channels < 3;
  const deep = metadata.depth === 'ushort';
  const upright = image.autoOrient().removeAlpha();
  const pipeline = deep
    ? upright.toColourspace(isGrey ? 'grey16' : 'rgb16').raw({ depth: 'ushort' })
    : upright.toColourspace(isGrey ? 'b-w' : 'srgb').raw();
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  if (info.channels !== 1 && info.channels !== 3) throw new Error(`it has ${info.channels} channels where 1 or 3 were expected`);
  const samples = deep ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : plain(data);
  const flat = { data: samples, width: info.width, height: info.height, channels: info.channels };
  return palette === undefined || info.channels === 1 ? flat : { ...flat, palette };
}

/** A plain array over the same bytes: a Buffer's slice() would not copy. */
function plain(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
