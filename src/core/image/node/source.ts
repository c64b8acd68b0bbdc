/** Images from paths, bytes or pixels in Node. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { messageOf, ProsamError } from '../../common/errors.ts';
import type { ImageSource } from '../../engine/ports.ts';
import type { Notice } from '../../common/notice.ts';
import { checkReading, joinedReading, readingKey, type ImageReading } from '../values/reading.ts';
import { decodeImage, DEFAULT_LIMITS, type DecodedImage, type DecodeOptions } from './decode.ts';
import { decodeMaskFile } from './decode-mask.ts';
import { asBytes, isPixelImage } from '../input.ts';
import { rasterFromPixels } from '../pixels.ts';

/** Hashes of files already read, so that a reference used for a thousand targets is read once. */
const MAX_REMEMBERED = 10_000;

export interface NodeImageOptions extends DecodeOptions {
  /** Called for each notice about an image that was decoded. file: its path, or 'image' */
  onNotice?: (notice: Notice, file: string) => void;
}

/** options: bounds, and how image files are read where a call says nothing else. @throws OPTION_INVALID */
export function nodeImageSource({ valueRange, page, onNotice, ...limits }: NodeImageOptions = {}): ImageSource {
  const bounds = { ...DEFAULT_LIMITS, ...limits };
  const usual = { ...(valueRange && { valueRange }), ...(page !== undefined && { page }) };
  checkReading(usual);
  const decode = async (bytes: Uint8Array, label: string, reading: ImageReading): Promise<DecodedImage> => {
    const decoded = await decodeImage(bytes, label, { ...bounds, ...reading });
    decoded.notices?.forEach((notice) => onNotice?.(notice, label));
    return decoded;
  };
  const remembered = new Map<string, string>();

  const readBounded = async (path: string): Promise<Uint8Array> => {
    const info = await fileInfo(path);
    if (info.size > bounds.maxBytes) {
      throw new ProsamError(
        'IMAGE_TOO_LARGE',
        `${path}: expected at most ${bounds.maxBytes} bytes, got ${info.size}. Shrink the image or raise the limit.`,
      );
    }
    return readFile(path).catch((cause: unknown) => {
      throw unreadableFile(path, cause);
    });
  };
  const fromPath = async (path: string, reading: ImageReading) => {
    const info = await fileInfo(path);
    const version = `${path}\n${info.size}\n${info.mtimeMs}\n${info.ino}`;
    let bytes: Uint8Array | undefined;
    let key = remembered.get(version);
    if (key === undefined) {
      bytes = await readBounded(path);
      key = sha256(bytes);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(version, key);
    }
    return { key: `${key}${readingKey(reading)}`, decode: async () => decode(bytes ?? (await readBounded(path)), path, reading) };
  };

  return {
    async load(input, given = {}) {
      checkReading(given);
      const reading = joinedReading(given, usual);
      if (typeof input === 'string' || input instanceof URL) return fromPath(pathOf(input), reading);
      const bytes = input instanceof Blob ? new Uint8Array(await blobBytes(input, bounds.maxBytes)) : asBytes(input);
      if (bytes !== undefined) return { key: `${sha256(bytes)}${readingKey(reading)}`, decode: () => decode(bytes, 'image', reading) };
      if (!isPixelImage(input))
        throw new ProsamError('IMAGE_UNREADABLE', `expected a path, URL, bytes, Blob or pixels as image, got ${typeof input}.`);
      const raster = rasterFromPixels(input, bounds.maxPixels);
      return { key: sha256(raster.data, `${raster.width}x${raster.height}`), decode: () => Promise.resolve(raster) };
    },
    async loadMask(file, choice) {
      const bytes = file instanceof Blob ? new Uint8Array(await blobBytes(file, bounds.maxBytes)) : asBytes(file);
      if (bytes !== undefined) return decodeMaskFile(bytes, 'mask', bounds, choice);
      const path = pathOf(file as string | URL);
      return decodeMaskFile(await readBounded(path), path, bounds, choice);
    },
  };
}

/** @throws IMAGE_TOO_LARGE */
export async function blobBytes(blob: Blob, maxBytes: number): Promise<ArrayBuffer> {
  if (blob.size <= maxBytes) return blob.arrayBuffer();
  throw new ProsamError(
    'IMAGE_TOO_LARGE',
    `expected an image of at most ${maxBytes} bytes, got ${blob.size}. Shrink the image or raise the limit.`,
  );
}

export function pathOf(input: string | URL): string {
  if (typeof input === 'string') return input;
  if (input.protocol !== 'file:') {
    throw new ProsamError(
      'OPTION_INVALID',
      `expected a path or a file: URL, got a ${input.protocol} URL. Download the image first and pass its bytes.`,
    );
  }
  try {
    return fileURLToPath(input);
  } catch (cause) {
    throw new ProsamError('OPTION_INVALID', `expected a path or a file: URL, got ${input.href}: ${messageOf(cause)}.`, { cause });
  }
}

function unreadableFile(path: string, cause: unknown): ProsamError {
  return new ProsamError('FILE_NOT_FOUND', `expected the file ${path}, but it cannot be read: ${messageOf(cause)}.`, { cause });
}

async function fileInfo(path: string) {
  const info = await stat(path).catch((cause: unknown) => {
    throw unreadableFile(path, cause);
  });
  if (!info.isFile()) throw new ProsamError('FILE_NOT_FOUND', `expected a file, but ${path} is a folder or something else.`);
  return info;
}

function sha256(bytes: Uint8Array, extra = ''): string {
  return createHash('sha256').update(extra).update(bytes).digest('hex');
}
