/** Image files to 8-bit RGB pixels, bounded before anything is unpacked. */
import type { Metadata, Sharp } from 'sharp';
import { messageOf, ProsamError } from '../../common/errors.ts';
import { runSteps, PAUSE_AFTER_PLAIN, type Steps } from '../../mask/cooperative.ts';
import type { BinaryMask } from '../../mask/label-reduction.ts';
import { DEFAULT_LIMITS, type ImageLimits } from '../image-limits.ts';
import type { Raster } from '../pillow-resize.ts';
import { loadSharp } from './load-sharp.ts';

export { DEFAULT_LIMITS, type ImageLimits } from '../image-limits.ts';

/** Formats that are decoded; others sharp knows (SVG, PDF) would run a renderer on foreign input. */
const FORMATS = new Set(['jpeg', 'png', 'webp', 'tiff', 'heif', 'gif']);

/** First bytes of their files; checked first, so that no other parser ever sees the bytes. */
const SIGNATURES = [/^\xff\xd8\xff/, /^\x89PNG\r\n/, /^RIFF[^]{4}WEBP/, /^II[*+]\0/, /^MM\0[*+]/, /^[^]{4}ftyp/, /^GIF8[79]a/];

export function hasKnownSignature(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  return SIGNATURES.some((signature) => signature.test(start));
}

/**
 * Upright 8-bit RGB (EXIF orientation applied, alpha dropped, no colour profile applied, as Pillow's convert('RGB')). Only CMYK
 * differs: it is printed colour here (libvips' press profile), a plain difference there.
 */
export async function decodeImage(bytes: Uint8Array, label: string, limits: ImageLimits = {}): Promise<Raster> {
  const { image, metadata } = await open(bytes, label, limits);
  const upright = image.autoOrient().removeAlpha();
  const deep = metadata.depth === 'ushort' || metadata.depth === 'short' || metadata.depth === 'uint';
  const pipeline = deep
    ? upright.toColourspace(metadata.channels < 3 ? 'grey16' : 'rgb16').raw({ depth: 'ushort' })
    : upright.toColourspace('srgb').raw();
  try {
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
    // A plain array over the same bytes: a Buffer's slice() would not copy.
    const levels = deep ? await runSteps(eightBit(data)) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { data: await runSteps(threeChannels(levels, info.channels)), width: info.width, height: info.height, channels: 3 };
  } catch (cause) {
    throw unreadable(label, messageOf(cause), cause);
  }
}

/** A mask image as single values per pixel (the first channel, or the palette's colours turned grey), not 0/1 yet. */
export async function decodeGrey(bytes: Uint8Array, label: string, limits: ImageLimits = {}): Promise<Raster> {
  const { data, width, height } = await greyOf(bytes, label, limits);
  return { data, width, height, channels: 1 };
}

async function greyOf(bytes: Uint8Array, label: string, limits: ImageLimits): Promise<BinaryMask> {
  const { image, metadata } = await open(bytes, label, limits);
  try {
    // A mask drawn in the alpha channel only (opaque = marked) is as common as one in black and white.
    const single =
      metadata.hasAlpha && !(await image.clone().stats()).isOpaque
        ? image.autoOrient().extractChannel('alpha')
        : image.autoOrient().removeAlpha().greyscale();
    const { data, info } = await single.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 1) throw new Error(`it has ${info.channels} channels where one was expected`);
    // A plain array over the same bytes: a Buffer's slice() would not copy.
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width: info.width, height: info.height };
  } catch (cause) {
    throw unreadable(label, messageOf(cause), cause);
  }
}

/**
 * Reads the image to its last row without keeping its pixels: what this accepts can be decoded.
 * @returns width and height of the upright image
 * @throws IMAGE_*
 */
export async function proveImage(bytes: Uint8Array, label: string, limits: ImageLimits = {}): Promise<{ width: number; height: number }> {
  const { image, metadata } = await open(bytes, label, limits);
  try {
    // Every pixel passes by on its way into a single one; nothing larger than some rows is held where the format allows.
    await image
      .removeAlpha()
      .toColourspace('srgb')
      .resize(1, 1, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false })
      .raw()
      .toBuffer();
  } catch (cause) {
    throw unreadable(label, messageOf(cause), cause);
  }
  const { width, height } = metadata.autoOrient;
  return { width, height };
}

/** Size of the upright image, from the head of its file alone. @throws IMAGE_* */
export async function imageSize(bytes: Uint8Array, label: string, limits: ImageLimits = {}): Promise<{ width: number; height: number }> {
  const { width, height } = (await open(bytes, label, limits)).metadata.autoOrient;
  return { width, height };
}

async function open(bytes: Uint8Array, label: string, limits: ImageLimits): Promise<{ image: Sharp; metadata: Metadata }> {
  const { maxBytes, maxPixels } = { ...DEFAULT_LIMITS, ...limits };
  if (bytes.byteLength > maxBytes) {
    throw new ProsamError(
      'IMAGE_TOO_LARGE',
      `${label}: expected at most ${maxBytes} bytes, got ${bytes.byteLength}. Shrink the image or raise the limit.`,
    );
  }
  if (!hasKnownSignature(bytes)) throw unreadable(label, `its ${bytes.byteLength} bytes do not begin like any of these`);
  const sharp = await loadSharp();
  // The limit is checked below with the real numbers; sharp's own would only say that it was exceeded.
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true, animated: false });
  const metadata = await image.metadata().catch((cause: unknown) => {
    throw unreadable(label, messageOf(cause), cause);
  });
  const { format, width, height } = metadata;
  if (!FORMATS.has(format)) throw unreadable(label, `the format ${format} is not supported`);
  if (!width || !height) throw new ProsamError('IMAGE_EMPTY', `${label}: expected an image with pixels, got ${width} x ${height}.`);
  if (width * height > maxPixels) {
    throw new ProsamError(
      'IMAGE_TOO_LARGE',
      `${label}: expected at most ${maxPixels} pixels, got ${width} x ${height}. Shrink the image or raise the limit.`,
    );
  }
  return { image, metadata };
}

function unreadable(label: string, problem: string, cause?: unknown): ProsamError {
  return new ProsamError('IMAGE_UNREADABLE', `${label}: expected a JPEG, PNG, WebP, TIFF, AVIF or GIF image, but ${problem}.`, { cause });
}

/** 16-bit samples to the nearest of 256 levels. */
function* eightBit(data: Uint8Array): Steps<Uint8Array> {
  const samples = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const levels = Uint8Array.from({ length: 2 ** 16 }, (_, value) => Math.round(value / 257));
  const out = new Uint8Array(samples.length);
  for (let start = 0; start < out.length; start += PAUSE_AFTER_PLAIN) {
    for (let i = start, end = Math.min(out.length, start + PAUSE_AFTER_PLAIN); i < end; i++)
      out[i] = levels[samples[i] as number] as number;
    yield;
  }
  return out;
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
