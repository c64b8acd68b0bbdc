/** Thumbnails of image files, for pages that show many. */
import type { Sharp } from 'sharp';
import { messageOf, ProsamError } from '../../common/errors.ts';
import { isBmp } from '../bmp/head.ts';
import { isTiff } from '../tiff/ifd.ts';
import { decodeImage, DEFAULT_LIMITS, hasKnownSignature } from './decode.ts';
import { loadSharp } from './load-sharp.ts';

/** Upright, as WebP, no side longer than `longest` pixels; never enlarged. @throws IMAGE_UNREADABLE */
export async function thumbnail(bytes: Uint8Array, longest: number): Promise<Uint8Array> {
  try {
    return await (
      await readFor(bytes)
    )
      .resize({ width: longest, height: longest, fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80 })
      .toBuffer();
  } catch (cause) {
    throw new ProsamError('IMAGE_UNREADABLE', `expected an image to make a thumbnail of, but ${messageOf(cause)}.`, { cause });
  }
}

/** Kinds that the image library knows are shrunk while they are read; the others are decoded by this library's own rule. */
async function readFor(bytes: Uint8Array): Promise<Sharp> {
  const sharp = await loadSharp();
  if (isTiff(bytes) || isBmp(bytes)) {
    const { data, width, height } = await decodeImage(bytes, 'image');
    return sharp(data, { raw: { width, height, channels: 3 } });
  }
  if (!hasKnownSignature(bytes)) throw new Error('it does not begin like an image');
  return sharp(bytes, { limitInputPixels: DEFAULT_LIMITS.maxPixels, animated: false }).autoOrient();
}

const TYPES: readonly [RegExp, string][] = [
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^\x89PNG\r\n/, 'image/png'],
  [/^RIFF[^]{4}WEBP/, 'image/webp'],
  [/^(II[*+]\0|MM\0[*+])/, 'image/tiff'],
  [/^[^]{4}ftypavi/, 'image/avif'],
  [/^[^]{4}ftyp/, 'image/heif'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^BM/, 'image/bmp'],
];

/** Content type by how a file begins; never one that a browser would run. */
export function imageType(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  return TYPES.find(([signature]) => signature.test(start))?.[1] ?? 'application/octet-stream';
}
