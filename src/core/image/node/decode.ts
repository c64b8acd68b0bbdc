/** Image files to 8-bit RGB pixels, bounded before anything is unpacked. */
import type { Metadata } from 'sharp';
import { isProsamError, messageOf } from '../../common/errors.ts';
import type { Notice } from '../../common/notice.ts';
import { runSteps, PAUSE_AFTER_PLAIN, type Steps } from '../../mask/cooperative.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import type { Raster } from '../pillow-resize.ts';
import { uprightSteps } from '../values/orient.ts';
import { levelsOf, unused } from '../values/value-rule.ts';
import type { Samples } from '../values/samples.ts';
import { openImage, unreadable, type DecodeOptions, type OpenedImage } from './open-image.ts';
import { tiffSamples } from './tiff.ts';

export { DEFAULT_LIMITS, type ImageLimits } from '../image-limits.ts';
export { hasKnownSignature, type DecodeOptions } from './open-image.ts';

/** Pixels, and what a caller should know about the way they were read; absent where there is nothing. */
export interface DecodedImage extends Raster {
  notices?: readonly Notice[];
}

/**
 * Upright 8-bit RGB (EXIF orientation applied, alpha dropped, no colour profile applied, as Pillow's convert('RGB')). Only CMYK
 * differs: it is printed colour here (libvips' press profile), a plain difference there. Samples of other formats than 8 bit become
 * 0..255 by one rule (`values/value-rule.ts`).
 * @throws IMAGE_*, OPTION_INVALID
 */
export async function decodeImage(bytes: Uint8Array, label: string, options: DecodeOptions = {}): Promise<DecodedImage> {
  const opened = await openImage(bytes, label, options);
  const { tiff } = opened;
  if (tiff) {
    const samples = await tiffSamples(bytes, tiff.page, tiff.littleEndian, label);
    return rasterOf(samples, opened, label, options, tiff.page.orientation);
  }
  try {
    const upright = (await opened.image()).autoOrient().removeAlpha();
    if (isDeep(opened)) {
      const grey = opened.metadata.channels < 3;
      const pipeline = upright.toColourspace(grey ? 'grey16' : 'rgb16').raw({ depth: 'ushort' });
      const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
      const { width, height, channels } = info;
      const values = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
      if (channels !== 1 && channels !== 3) throw new Error(`it has ${channels} channels where 1 or 3 were expected`);
      return await rasterOf({ data: values, type: 'uint16', width, height, channels }, opened, label, options);
    }
    const { data, info } = await upright.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    // A plain array over the same bytes: a Buffer's slice() would not copy.
    const levels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const notices = options.valueRange ? [...opened.notices, unused(options.valueRange)] : opened.notices;
    const { width, height, channels } = info;
    return { data: await runSteps(threeChannels(levels, channels)), width, height, channels: 3, ...(notices.length > 0 && { notices }) };
  } catch (cause) {
    if (isProsamError(cause)) throw cause;
    throw unreadable(label, messageOf(cause), { cause, bytes });
  }
}

/** Samples by the one rule, then RGB, then upright. */
async function rasterOf(
  samples: Samples,
  opened: OpenedImage,
  label: string,
  { valueRange }: DecodeOptions,
  orientation = 1,
): Promise<DecodedImage> {
  const { levels, notices } = await runSteps(levelsOf(samples, label, valueRange));
  const { width, height, channels } = samples;
  const rgb: Raster = { data: await runSteps(threeChannels(levels, channels)), width, height, channels: 3 };
  const all = [...opened.notices, ...notices];
  return { ...(await runSteps(uprightSteps(rgb, orientation))), ...(all.length > 0 && { notices: all }) };
}

/** A mask image as single values per pixel (the first channel, or the palette's colours turned grey), not 0/1 yet. */
export async function decodeGrey(bytes: Uint8Array, label: string, options: DecodeOptions = {}): Promise<Raster> {
  const { data, width, height } = await greyOf(bytes, label, options);
  return { data, width, height, channels: 1 };
}

async function greyOf(bytes: Uint8Array, label: string, options: DecodeOptions): Promise<BinaryMask> {
  const opened = await openImage(bytes, label, options);
  try {
    const image = await opened.image();
    const { hasAlpha } = await image.metadata();
    // A mask drawn in the alpha channel only (opaque = marked) is as common as one in black and white.
    const single =
      hasAlpha && !(await image.clone().stats()).isOpaque
        ? image.autoOrient().extractChannel('alpha')
        : image.autoOrient().removeAlpha().greyscale();
    const { data, info } = await single.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 1) throw new Error(`it has ${info.channels} channels where one was expected`);
    // A plain array over the same bytes: a Buffer's slice() would not copy.
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width: info.width, height: info.height };
  } catch (cause) {
    if (isProsamError(cause)) throw cause;
    throw unreadable(label, messageOf(cause), { cause, bytes });
  }
}

/** An image that can be decoded: size of the upright image, and what a caller should know about it. */
export interface ProvenImage {
  width: number;
  height: number;
  notices?: readonly Notice[];
}

/** Has it 16 bits a sample, in a format whose values the image library hands over as they are? */
function isDeep(opened: OpenedImage): opened is OpenedImage & { metadata: Metadata } {
  return ['ushort', 'short', 'uint'].includes(opened.metadata?.depth ?? '');
}

/**
 * Reads the image to its last row without keeping its pixels: what this accepts can be decoded.
 * @returns width and height of the upright image
 * @throws IMAGE_*
 */
export async function proveImage(bytes: Uint8Array, label: string, options: DecodeOptions = {}): Promise<ProvenImage> {
  const opened = await openImage(bytes, label, options);
  const { width, height } = opened;
  if (opened.tiff || isDeep(opened)) {
    // Values decide whether there is a picture in it.
    const { notices } = await decodeImage(bytes, label, options);
    return { width, height, ...(notices && { notices }) };
  }
  try {
    // Every pixel passes by on its way into a single one; nothing larger than some rows is held where the format allows.
    await (
      await opened.image()
    )
      .removeAlpha()
      .toColourspace('srgb')
      .resize(1, 1, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false })
      .raw()
      .toBuffer();
  } catch (cause) {
    if (isProsamError(cause)) throw cause;
    throw unreadable(label, messageOf(cause), { cause, bytes });
  }
  const { notices } = opened;
  return { width, height, ...(notices.length > 0 && { notices }) };
}

/** Size of the upright image, from the head of its file alone. @throws IMAGE_* */
export async function imageSize(bytes: Uint8Array, label: string, options: DecodeOptions = {}): Promise<{ width: number; height: number }> {
  const { width, height } = await openImage(bytes, label, options);
  return { width, height };
}

function* threeChannels(data: Uint8Array, channels: number): Steps<Uint8Array> {
  if (channels === 3) return data;
  const pixels = data.length / channels;
  const out = new Uint8Array(3 * pixels);
  for (let start = 0; start < pixels; start += PAUSE_AFTER_PLAIN) {
    for (let i = start, end = Math.min(pixels, start + PAUSE_AFTER_PLAIN); i < end; i++) {
      for (let c = 0; c < 3; c++) out[3 * i + c] = data[i * channels + (channels > 2 ? c : 0)] as number;
    }
    yield;
  }
  return out;
}
