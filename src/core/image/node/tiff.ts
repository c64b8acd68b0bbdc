/** TIFF pages whose samples libvips changes on their way: everything but plain 8-bit pictures is read here, sample for sample. */
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { messageOf, ProsamError } from '../../common/errors.ts';
import type { Notice } from '../../common/notice.ts';
import { runSteps, type Steps } from '../../mask/cooperative.ts';
import type { TiffPage } from '../tiff/ifd.ts';
import { chunksOf, placeChunk, sampleTypeOf, type Canvas, type Chunk } from '../tiff/layout.ts';
import { unpackLzw, unpackPackBits } from '../tiff/lzw.ts';
import { sampleArray, type Samples } from '../values/samples.ts';

const inflated = promisify(inflate);

/** Bytes of one strip or tile once unpacked. */
const MAX_CHUNK_BYTES = 2 ** 30;
/** Strips or tiles of one page. */
const MAX_CHUNKS = 2 ** 20;

/** Compressions that are unpacked here, by their numbers. */
const UNPACKED: ReadonlySet<number> = new Set([1, 5, 8, 32773, 32946]);
const COMPRESSION_NAMES: Readonly<Record<number, string>> = {
  ...{ 2: 'CCITT', 3: 'CCITT fax 3', 4: 'CCITT fax 4', 6: 'old JPEG', 7: 'JPEG', 34712: 'JPEG 2000', 34887: 'LERC', 34925: 'LZMA' },
  ...{ 50000: 'Zstandard', 50001: 'WebP', 50002: 'JPEG XL' },
};
const [RGB, PALETTE] = [2, 3];

/** Does libvips show this page as it is: 8 bits or fewer, up to four channels, none of them signed? */
export function isPlain({ bits, channels, sampleFormat, separate, chunk, photometric }: TiffPage): boolean {
  if (photometric > RGB) return photometric !== PALETTE || bits <= 8;
  const few = channels <= 4 && !(photometric !== RGB && channels === 3);
  return bits <= 8 && few && (sampleFormat === 1 || sampleFormat === 4) && !(separate && chunk.tiled);
}

/** Reason, in words, why a page that is not plain cannot be read here; undefined where it can. */
export function obstacleIn(page: TiffPage): string | undefined {
  const { bits, sampleFormat, photometric, compression, predictor, chunk } = page;
  const kind = ['', 'unsigned', 'signed', 'float', 'undefined', 'complex integer', 'complex'][sampleFormat] ?? `format ${sampleFormat}`;
  if (sampleTypeOf(page) === undefined) return `its samples are ${kind} of ${bits} bits. Write it with integers or floats of 8 to 64 bits`;
  if (photometric > RGB) return `it has ${bits} bits a sample and colours of kind ${photometric}. Write it as RGB or grey`;
  if (!UNPACKED.has(compression))
    return `its ${kind} ${bits}-bit samples are packed with ${COMPRESSION_NAMES[compression] ?? `compression ${compression}`}. Write it with LZW, Deflate or no compression`;
  const known =
    predictor === 1 || (predictor === 2 && bits % 8 === 0 && (bits < 64 || sampleFormat === 3)) || (predictor === 3 && sampleFormat === 3);
  if (!known) return `its predictor ${predictor} does not go with ${kind} samples of ${bits} bits. Write it without a predictor`;
  if (!(chunk.width >= 1 && chunk.height >= 1)) return 'its strips or tiles have no size. Write it again';
  return undefined;
}

/** Channels of a page that are read: three that are red, green and blue or come first, or one. */
export function channelsRead({ channels, photometric, extraSamples }: TiffPage): { wanted: number[]; notices: Notice[] } {
  const extra = photometric === RGB ? channels - 3 : channels - 1;
  const isAlpha = extra === 1 && (extraSamples[0] === 1 || extraSamples[0] === 2);
  const wanted = channels >= 3 && !(photometric !== RGB && isAlpha) ? [0, 1, 2] : [0];
  if (channels === wanted.length || isAlpha) return { wanted, notices: [] };
  const named = wanted.map((channel) => channel + 1).join(', ');
  const as = wanted.length === 3 ? `channels ${named} are read as red, green and blue` : `channel ${named} is read as grey`;
  const message = `the file holds ${channels} channels; ${as}. Write the ones that matter into a file of three channels to use others.`;
  return { wanted, notices: [{ code: 'CHANNELS_LEFT_OUT', message }] };
}

/** @throws IMAGE_UNREADABLE, IMAGE_TOO_LARGE */
export async function tiffSamples(bytes: Uint8Array, page: TiffPage, littleEndian: boolean, label: string): Promise<Samples> {
  const type = sampleTypeOf(page);
  const obstacle = obstacleIn(page);
  if (type === undefined || obstacle !== undefined) throw unreadable(label, obstacle ?? 'its samples are no numbers');
  const { wanted } = channelsRead(page);
  const { width, height } = page;
  const canvas: Canvas = { data: sampleArray(type, width * height * wanted.length), page, type, littleEndian, wanted };
  const { offsets, counts } = page.chunks();
  let done = 0;
  for (const chunk of chunksOf(page, wanted)) {
    if (chunk.bytes > MAX_CHUNK_BYTES || done++ > MAX_CHUNKS)
      throw new ProsamError(
        'IMAGE_TOO_LARGE',
        `${label}: expected strips or tiles of at most ${MAX_CHUNK_BYTES} bytes, got ${chunk.bytes}. Write the image with smaller ones.`,
      );
    const [offset, count] = [offsets[chunk.index], counts[chunk.index] ?? (offsets.length === 1 ? chunk.bytes : undefined)];
    // A place of 0 is a hole: nothing was written there.
    if (offset === 0 && count === 0) continue;
    if (offset === undefined || count === undefined || offset + count > bytes.byteLength) throw unreadable(label, 'it is cut off');
    const unpacked = await unpack(bytes.subarray(offset, offset + count), page, chunk).catch((cause: unknown) => {
      throw unreadable(label, `its data are damaged: ${messageOf(cause)}`, cause);
    });
    if (unpacked.byteLength < chunk.bytes) throw unreadable(label, 'its data end too early');
    await runSteps(placeChunk(canvas, chunk, unpacked));
  }
  const { noData } = page;
  return { data: canvas.data, type, width, height, channels: wanted.length === 3 ? 3 : 1, noData, inverted: page.photometric === 0 };
}

/** Bytes of their own, aligned for every type. */
async function unpack(packed: Uint8Array, { compression }: TiffPage, chunk: Chunk): Promise<Uint8Array> {
  switch (compression) {
    case 1:
      return runSteps(copied(packed, chunk.bytes));
    case 5:
      return runSteps(unpackLzw(packed, chunk.bytes));
    case 32773:
      return runSteps(unpackPackBits(packed, chunk.bytes));
    default: {
      const data = await inflated(packed, { maxOutputLength: chunk.bytes + 64 });
      // zlib's buffers begin wherever they like.
      return new Uint8Array(data.subarray(0, chunk.bytes));
    }
  }
}

/** Bytes copied at a time. */
const PIECE = 2 ** 22;

/** A copy, made in pieces: one strip may be the whole image. */
function* copied(bytes: Uint8Array, length: number): Steps<Uint8Array> {
  const copy = new Uint8Array(Math.min(length, bytes.byteLength));
  for (let at = 0; at < copy.length; at += PIECE) {
    copy.set(bytes.subarray(at, Math.min(at + PIECE, copy.length)), at);
    yield;
  }
  return copy;
}

function unreadable(label: string, problem: string, cause?: unknown): ProsamError {
  return new ProsamError('IMAGE_UNREADABLE', `${label}: expected a TIFF image that can be read, but ${problem}.`, { cause });
}
