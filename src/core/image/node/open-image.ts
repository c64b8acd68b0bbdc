/** Image files opened: known by their first bytes, bounded by their head, one page chosen; nothing is unpacked yet. */
import type { Metadata, Sharp } from 'sharp';
import { messageOf, ProsamError } from '../../common/errors.ts';
import type { Notice } from '../../common/notice.ts';
import { runSteps } from '../../mask/cooperative.ts';
import { decodeBmp } from '../bmp/decode.ts';
import { isBmp, readBmpHead } from '../bmp/head.ts';
import { adviceFor, fileKind, KIND_BYTES, READABLE_NAMES } from '../file-kinds.ts';
import { DEFAULT_LIMITS, type ImageLimits } from '../image-limits.ts';
import { isTiff, readTiff, type TiffPage } from '../tiff/ifd.ts';
import { choosePage, type PageFacts } from '../tiff/pages.ts';
import { checkReading, type ImageReading } from '../values/reading.ts';
import { loadSharp } from './load-sharp.ts';
import { channelsRead, isPlain, obstacleIn } from './tiff.ts';

/** Bounds of an image file, and what to read of it. */
export type DecodeOptions = ImageLimits & ImageReading;

/** Formats that are decoded; others sharp knows (SVG, PDF) would run a renderer on foreign input. */
const FORMATS = new Set(['jpeg', 'png', 'webp', 'tiff', 'heif', 'gif']);

/** First bytes of their files; checked first, so that no other parser ever sees the bytes. */
const SIGNATURES = [/^\xff\xd8\xff/, /^\x89PNG\r\n/, /^RIFF[^]{4}WEBP/, /^II[*+]\0/, /^MM\0[*+]/, /^[^]{4}ftyp/, /^GIF8[79]a/];

/** Bytes that tell whether a file is an image. */
export const SIGNATURE_BYTES = 26;

export function hasKnownSignature(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  return SIGNATURES.some((signature) => signature.test(start)) || isBmp(bytes);
}

/** A page of a file, before it is decoded. */
export interface OpenedImage {
  /** Size of the upright image. */
  width: number;
  height: number;
  notices: Notice[];
  /** The file holds more than one page. */
  several: boolean;
  /** The page for the image library; it shows plain 8-bit pictures and 16 bits as they are. */
  image(): Promise<Sharp>;
  /** Findings of the image library; absent for files that are decoded here. */
  metadata?: Metadata;
  /** A page whose samples are read here. */
  tiff?: { page: TiffPage; littleEndian: boolean };
}

/** @throws IMAGE_UNREADABLE, IMAGE_EMPTY, IMAGE_TOO_LARGE, OPTION_INVALID for a page or a value range that is none */
export async function openImage(bytes: Uint8Array, label: string, options: DecodeOptions): Promise<OpenedImage> {
  checkReading(options);
  const limits = { ...DEFAULT_LIMITS, ...options };
  if (bytes.byteLength > limits.maxBytes) {
    throw new ProsamError(
      'IMAGE_TOO_LARGE',
      `${label}: expected at most ${limits.maxBytes} bytes, got ${bytes.byteLength}. Shrink the image or raise the limit.`,
    );
  }
  if (!hasKnownSignature(bytes)) throw unreadable(label, `its ${bytes.byteLength} bytes do not begin like any of these`, { bytes });
  if (isBmp(bytes)) return openBmp(bytes, label, options, limits.maxPixels);
  if (isTiff(bytes)) return openTiff(bytes, label, options, limits.maxPixels);
  return openOther(bytes, label, options, limits.maxPixels);
}

function openBmp(bytes: Uint8Array, label: string, { page }: ImageReading, maxPixels: number): OpenedImage {
  const head = readBmpHead(bytes, label);
  const { width, height } = head;
  checkSize(label, head, maxPixels);
  choosePage([head], label, { asked: page });
  return {
    ...{ width, height, notices: [], several: false },
    async image() {
      const { data, channels } = await runSteps(decodeBmp(bytes, head, label));
      return (await loadSharp())(data, { raw: { width, height, channels } });
    },
  };
}

async function openTiff(bytes: Uint8Array, label: string, options: ImageReading, maxPixels: number): Promise<OpenedImage> {
  const { littleEndian, pages } = readTiff(bytes, label);
  const { index, notices } = choosePage(pages, label, { asked: options.page, what: stackOf(pages[0]) });
  const page = pages[index] as TiffPage;
  checkSize(label, page, maxPixels);
  notices.push(...(page.photometric <= 2 ? channelsRead(page).notices : []));
  const onSide = page.orientation >= 5 && page.orientation <= 8;
  const size = onSide ? { width: page.height, height: page.width } : { width: page.width, height: page.height };
  const image = () => opened(bytes, index);
  // Of other packings libvips knows some more, and 16 unsigned bits it hands over as they are.
  const asItIs = isPlain(page) || (obstacleIn(page) !== undefined && page.bits === 16 && page.sampleFormat === 1 && page.channels <= 4);
  const several = pages.length > 1;
  if (!asItIs) return { ...size, notices, several, image, tiff: { page, littleEndian } };
  const metadata = await metadataOf(await opened(bytes, index), label, bytes);
  return { ...size, notices, several, image, metadata };
}

/** Words for stacks that ImageJ writes: their pages are channels, slices or times of one picture. */
function stackOf(page: TiffPage | undefined): string {
  if (page?.description.startsWith('ImageJ=') !== true) return '';
  const parts = ['channels', 'slices', 'frames'].flatMap((name) => {
    const count = new RegExp(`^${name}=(\\d+)`, 'm').exec(page.description)?.[1];
    return count === undefined ? [] : [`${count} ${name}`];
  });
  return parts.length === 0 ? 'a stack of ImageJ' : `a stack of ImageJ with ${parts.join(', ')}`;
}

/** Files whose pages are looked at one by one. */
const MAX_PARTS = 16;

async function openOther(bytes: Uint8Array, label: string, { page: asked }: ImageReading, maxPixels: number): Promise<OpenedImage> {
  let metadata = await metadataOf(await opened(bytes), label, bytes);
  if (!FORMATS.has(metadata.format)) throw unreadable(label, `the format ${metadata.format} is not supported`);
  checkSize(label, metadata, maxPixels);
  const { format, pages: count = 1, pagePrimary = 0 } = metadata;
  let pages: PageFacts[] = Array.from({ length: count }, () => metadata);
  if (format === 'heif' && count > 1) {
    const looked = Array.from({ length: Math.min(count, MAX_PARTS) }, async (_, i) => metadataOf(await opened(bytes, i), label, bytes));
    pages = [...(await Promise.all(looked)), ...pages.slice(MAX_PARTS)];
  }
  const what = count < 2 ? '' : format === 'heif' ? 'images of one container' : 'frames of an animation';
  const { index, notices } = choosePage(pages, label, { asked, first: Math.min(pagePrimary, count - 1), what });
  const at = count > 1 ? index : undefined;
  if (at !== undefined) metadata = await metadataOf(await opened(bytes, at), label, bytes);
  checkSize(label, metadata, maxPixels);
  const { width, height } = metadata.autoOrient;
  return { width, height, notices, several: count > 1, metadata, image: () => opened(bytes, at) };
}

async function opened(bytes: Uint8Array, page?: number): Promise<Sharp> {
  const sharp = await loadSharp();
  // The limit is checked with the real numbers; sharp's own would only say that it was exceeded.
  return sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true, animated: false, ...(page !== undefined && { page }) });
}

async function metadataOf(image: Sharp, label: string, bytes: Uint8Array): Promise<Metadata> {
  return image.metadata().catch((cause: unknown) => {
    throw unreadable(label, messageOf(cause), { cause, bytes });
  });
}

function checkSize(label: string, { width, height }: { width?: number; height?: number }, maxPixels: number): void {
  if (!width || !height) throw new ProsamError('IMAGE_EMPTY', `${label}: expected an image with pixels, got ${width} x ${height}.`);
  if (width * height <= maxPixels) return;
  throw new ProsamError(
    'IMAGE_TOO_LARGE',
    `${label}: expected at most ${maxPixels} pixels, got ${width} x ${height}. Shrink the image or raise the limit.`,
  );
}

/** bytes: of the file, so that the error can say what it is instead. */
export function unreadable(label: string, problem: string, { cause, bytes }: { cause?: unknown; bytes?: Uint8Array } = {}): ProsamError {
  const kind = bytes && fileKind(bytes.subarray(0, KIND_BYTES));
  const advice = adviceFor(kind);
  const instead =
    advice === undefined ? '' : ` It is ${kind === 'video' || kind === 'archive' ? `a kind of ${kind}` : `${kind} data`}: ${advice}.`;
  return new ProsamError('IMAGE_UNREADABLE', `${label}: expected a ${READABLE_NAMES} image, but ${problem}.${instead}`, { cause });
}
