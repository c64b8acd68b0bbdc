/** Images from files, URLs, bytes or pixels in a browser. */
import { messageOf, ProsamError } from '../../common/errors.ts';
import type { ImageSource, LoadedImage } from '../../engine/ports.ts';
import { sha256Hex } from '../../common/sha256.ts';
import { asBytes, isPixelImage, type ImageInput } from '../input.ts';
import { web, type BitmapLike } from '../../common/web-globals.ts';
import { DEFAULT_LIMITS, type ImageLimits } from '../image-limits.ts';
import type { MaskFile } from '../../mask/annotation.ts';
import { joinedReading, type ImageReading } from '../values/reading.ts';
import type { Raster } from '../pillow-resize.ts';
import { rasterFromPixels } from '../pixels.ts';
import { decodeInBrowser, maskPixelsInBrowser, rgbOfBitmap } from './decode.ts';
import { runSteps } from '../../mask/cooperative.ts';
import { markedSteps } from '../mask-file.ts';

/** A URL of the page's own origin (blob: and data: too), the bytes of an image file, a file, pixels (also `ImageData`), or an `ImageBitmap`. */
export type WebImageInput = ImageInput | BitmapLike;

/** The keys are those of Node for the same bytes or pixels, so features kept by one are found by the other. */
export function webImageSource(limits: ImageLimits = {}): ImageSource {
  const bounds = { ...DEFAULT_LIMITS, ...limits };

  const bytesOf = async (input: MaskFile, label: string): Promise<Uint8Array> => {
    const given = asBytes(input);
    if (given !== undefined) return given;
    const file = input instanceof Blob ? input : await fetchImage(input as string | URL);
    if (file.size > bounds.maxBytes)
      throw new ProsamError(
        'IMAGE_TOO_LARGE',
        `${label}: expected at most ${bounds.maxBytes} bytes, got ${file.size}. Shrink the image or raise the limit.`,
      );
    try {
      return new Uint8Array(await file.arrayBuffer());
    } catch (cause) {
      throw new ProsamError(
        'FILE_NOT_FOUND',
        `expected ${label}, but it cannot be read any more: ${messageOf(cause)}. Choose the file again.`,
        { cause },
      );
    }
  };
  const pixelsLoaded = async (raster: Raster): Promise<LoadedImage> => ({
    key: await sha256Hex(`${raster.width}x${raster.height}`, raster.data),
    decode: () => Promise.resolve(raster),
  });

  return {
    async load(given, reading = {}) {
      refuseReading(reading);
      const input = given as WebImageInput;
      if (isBitmap(input)) return pixelsLoaded(rgbOfBitmap(input, 'image', bounds));
      if (isPixelImage(input)) return pixelsLoaded(rasterFromPixels(input, bounds.maxPixels));
      const file = input as MaskFile;
      const label = labelOf(file);
      const bytes = await bytesOf(file, label);
      return { key: await sha256Hex(bytes), decode: () => decodeInBrowser(bytes, label, bounds) };
    },
    async loadMask(file, choice) {
      return runSteps(markedSteps(await maskPixelsInBrowser(await bytesOf(file, 'mask'), 'mask', bounds), choice, 'mask'));
    },
  };
}

/** The page's own decoder shows 8 bits of the first page, and nothing else of a file. @throws OPTION_INVALID */
function refuseReading(reading: ImageReading): void {
  const asked = Object.entries(joinedReading(reading, {})).map(([name]) => name);
  if (asked.length === 0) return;
  throw new ProsamError(
    'OPTION_INVALID',
    `${asked.join(' and ')}: expected none in a page, whose decoder gives 8 bits of the first page of a file. Decode the image yourself and pass its pixels, or use Node.`,
  );
}

function isBitmap(input: WebImageInput): input is BitmapLike {
  return typeof input === 'object' && 'close' in input && !('data' in input);
}

function labelOf(input: MaskFile): string {
  if (typeof input === 'string' || input instanceof URL) return shortened(String(input));
  const { name } = input as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : 'image';
}

function shortened(url: string): string {
  return url.length > 200 ? `${url.slice(0, 200)}…` : url;
}

/** @throws URL_REFUSED, FILE_NOT_FOUND */
async function fetchImage(address: string | URL): Promise<Blob> {
  const url = new URL(address, web.location?.href);
  const own = url.protocol === 'data:' || url.origin === web.location?.origin;
  if (!own)
    throw new ProsamError(
      'URL_REFUSED',
      `expected an image of the page's own origin, got ${shortened(url.href)}. Fetch it yourself and pass its bytes or its Blob.`,
    );
  try {
    const response = await fetch(url);
    if (response.ok) return await response.blob();
    throw new Error(`the server answered ${response.status}`);
  } catch (cause) {
    throw new ProsamError('FILE_NOT_FOUND', `expected the image ${shortened(url.href)}, but it cannot be read: ${messageOf(cause)}.`, {
      cause,
    });
  }
}
