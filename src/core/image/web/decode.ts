/** Image files to 8-bit pixels in a browser, bounded before anything is unpacked. */
import { messageOf, ProsamError } from '../../common/errors.ts';
import { web, type BitmapLike, type WebGlobals } from '../../common/web-globals.ts';
import { readImageHeader } from '../header.ts';
import type { ImageLimits } from '../image-limits.ts';
import type { MaskPixels } from '../mask-values.ts';
import type { Raster } from '../pillow-resize.ts';
import { pngPalette } from '../png-palette.ts';

/**
 * Upright 8-bit RGB (EXIF orientation applied, no colour profile applied). As in Node but for two things browsers decide:
 * a JPEG's levels differ by one or two, and the colours of transparent pixels are lost.
 *
 * @throws IMAGE_TOO_LARGE, IMAGE_UNREADABLE, IMAGE_EMPTY
 */
export async function decodeInBrowser(bytes: Uint8Array, label: string, limits: Required<ImageLimits>): Promise<Raster> {
  return withBitmap(bytes, label, limits, (bitmap) => rgbOfBitmap(bitmap, label, limits));
}

/** The pixels of a mask file: its colours, or its alpha channel if that is where it is drawn. Browsers give 8 bits of what has 16. */
export async function maskPixelsInBrowser(bytes: Uint8Array, label: string, limits: Required<ImageLimits>): Promise<MaskPixels> {
  return withBitmap(bytes, label, limits, (bitmap): MaskPixels => {
    const { data, width, height } = readPixels(bitmap, label, limits);
    let opaque = true;
    for (let i = 3; i < data.length && opaque; i += 4) opaque = data[i] === 255;
    const channels = opaque ? 3 : 1;
    const out = new Uint8Array(channels * width * height);
    for (let i = 0, to = 0; i < data.length; i += 4)
      for (let c = opaque ? 0 : 3; c < (opaque ? 3 : 4); c++) out[to++] = data[i + c] as number;
    const palette = opaque ? pngPalette(bytes) : undefined;
    return { data: out, width, height, channels, ...(opaque ? palette && { palette } : { isAlpha: true }) };
  });
}

/** @throws IMAGE_TOO_LARGE, IMAGE_EMPTY */
export function rgbOfBitmap(bitmap: BitmapLike, label: string, limits: Required<ImageLimits>): Raster {
  const { data, width, height } = readPixels(bitmap, label, limits);
  const out = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < out.length; from += 4, to += 3) {
    out[to] = data[from] as number;
    out[to + 1] = data[from + 1] as number;
    out[to + 2] = data[from + 2] as number;
  }
  return { data: out, width, height, channels: 3 };
}

async function withBitmap<T>(bytes: Uint8Array, label: string, limits: Required<ImageLimits>, use: (bitmap: BitmapLike) => T): Promise<T> {
  if (bytes.byteLength > limits.maxBytes)
    throw new ProsamError(
      'IMAGE_TOO_LARGE',
      `${label}: expected at most ${limits.maxBytes} bytes, got ${bytes.byteLength}. Shrink the image or raise the limit.`,
    );
  const header = readImageHeader(bytes);
  if (header === undefined) throw unreadable(label, `its ${bytes.byteLength} bytes do not begin like any of these`);
  if (header.size) checkSize(header.size.width, header.size.height, label, limits);
  const bitmap = await decode(new Blob([new Uint8Array(bytes)], { type: `image/${header.format}` }), label);
  try {
    return use(bitmap);
  } finally {
    bitmap.close();
  }
}

async function decode(file: Blob, label: string): Promise<BitmapLike> {
  const make: WebGlobals['createImageBitmap'] = web.createImageBitmap;
  if (make === undefined) throw missing('createImageBitmap');
  try {
    return await make(file, { imageOrientation: 'from-image', colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch (cause) {
    throw unreadable(label, `this browser cannot decode it: ${messageOf(cause)}`, cause);
  }
}

function readPixels(bitmap: BitmapLike, label: string, limits: Required<ImageLimits>) {
  const { width, height } = bitmap;
  checkSize(width, height, label, limits);
  if (web.OffscreenCanvas === undefined) throw missing('OffscreenCanvas');
  try {
    const context = new web.OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('the browser gave no canvas');
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch (cause) {
    // Every browser has a largest canvas of its own, and throws or gives none beyond it.
    throw new ProsamError(
      'IMAGE_TOO_LARGE',
      `${label}: this browser cannot read the ${width} x ${height} pixels of the image: ${messageOf(cause)}. Shrink the image.`,
      { cause },
    );
  }
}

function checkSize(width: number, height: number, label: string, { maxPixels }: Required<ImageLimits>): void {
  if (!(width >= 1 && height >= 1))
    throw new ProsamError('IMAGE_EMPTY', `${label}: expected an image with pixels, got ${width} x ${height}.`);
  if (width * height > maxPixels)
    throw new ProsamError(
      'IMAGE_TOO_LARGE',
      `${label}: expected at most ${maxPixels} pixels, got ${width} x ${height}. Shrink the image or raise the limit.`,
    );
}

function missing(name: string): ProsamError {
  return new ProsamError('IMAGE_UNREADABLE', `expected a browser with ${name}, this one has none. Decode the image and pass its pixels.`);
}

function unreadable(label: string, problem: string, cause?: unknown): ProsamError {
  return new ProsamError('IMAGE_UNREADABLE', `${label}: expected a JPEG, PNG, WebP, AVIF or GIF image, but ${problem}.`, { cause });
}
