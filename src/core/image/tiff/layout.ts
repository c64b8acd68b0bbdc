/** From the unpacked bytes of strips and tiles to samples: byte order, predictors, odd bit counts, and where each chunk lies. */
import { floatFromHalf } from '../../common/half.ts';
import { PAUSE_AFTER_PLAIN, type Steps } from '../../mask/cooperative.ts';
import { sampleArray, type SampleArray, type SampleType } from '../values/samples.ts';
import type { TiffPage } from './ifd.ts';

/** Type of a page's samples; undefined for those that are no plain numbers (complex ones, 24-bit floats). */
export function sampleTypeOf({ bits, sampleFormat }: Pick<TiffPage, 'bits' | 'sampleFormat'>): SampleType | undefined {
  const isInteger = sampleFormat === 1 || sampleFormat === 4;
  if (isInteger && bits > 8 && bits < 16) return 'uint16';
  if (![8, 16, 32, 64].includes(bits)) return undefined;
  if (isInteger) return `uint${bits as 8 | 16 | 32 | 64}`;
  if (sampleFormat === 2) return `int${bits as 8 | 16 | 32 | 64}`;
  return sampleFormat === 3 && bits > 8 ? `float${bits as 16 | 32 | 64}` : undefined;
}

/** Strip or tile of a page. */
export interface Chunk {
  index: number;
  left: number;
  top: number;
  /** Stored size: a tile is whole also beyond the image. */
  width: number;
  height: number;
  /** Channels in it: all, or one where they lie apart. */
  channels: number;
  /** First channel in it. */
  channel: number;
  /** Bytes once it is unpacked. */
  bytes: number;
}

/** Bytes of a row; rows begin at whole bytes. */
const rowBytes = (width: number, channels: number, bits: number): number => Math.ceil((width * channels * bits) / 8);

/** Chunks that hold any of the wanted channels. */
export function* chunksOf(page: TiffPage, wanted: readonly number[]): Generator<Chunk> {
  const { width, height, channels, bits, separate, chunk } = page;
  const [across, down] = [Math.ceil(width / chunk.width), Math.ceil(height / chunk.height)];
  for (const channel of separate ? wanted : [0]) {
    for (let row = 0; row < down; row++) {
      for (let column = 0; column < across; column++) {
        const top = row * chunk.height;
        const inside = separate ? 1 : channels;
        const rows = chunk.tiled ? chunk.height : Math.min(chunk.height, height - top);
        yield {
          index: ((separate ? channel : 0) * down + row) * across + column,
          ...{ left: column * chunk.width, top, width: chunk.width, height: rows, channels: inside, channel },
          bytes: rows * rowBytes(chunk.width, inside, bits),
        };
      }
    }
  }
}

/** Target of the chunks: only the wanted channels of the page. */
export interface Canvas {
  data: SampleArray;
  page: TiffPage;
  type: SampleType;
  littleEndian: boolean;
  /** Numbers of the channels kept, in their order. */
  wanted: readonly number[];
}

/** Puts an unpacked chunk where it belongs. bytes: of its own, changed in place; as many as the chunk says. */
export function* placeChunk(canvas: Canvas, chunk: Chunk, bytes: Uint8Array): Steps<void> {
  const { page, wanted, data } = canvas;
  const values = yield* valuesOf(canvas, chunk, bytes);
  const kept = page.separate ? [wanted.indexOf(chunk.channel)] : wanted.map((_, i) => i);
  const count = wanted.length;
  const columns = Math.min(chunk.width, page.width - chunk.left);
  const rows = Math.min(chunk.height, page.height - chunk.top);
  for (let y = 0, unpaused = 0; y < rows; y++) {
    for (const place of kept) {
      let to = ((chunk.top + y) * page.width + chunk.left) * count + place;
      let from = y * chunk.width * chunk.channels + (page.separate ? 0 : (wanted[place] as number));
      for (let x = 0; x < columns; x++, to += count, from += chunk.channels) data[to] = values[from] as number;
    }
    unpaused += columns * kept.length;
    if (unpaused < PAUSE_AFTER_PLAIN) continue;
    unpaused = 0;
    yield;
  }
}

const HOST_IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function* valuesOf({ page, type, littleEndian }: Canvas, chunk: Chunk, bytes: Uint8Array): Steps<SampleArray> {
  const { bits, predictor } = page;
  const rowLength = chunk.width * chunk.channels;
  if (bits % 8 !== 0) return yield* unpackedBits(bytes, chunk, bits);
  const size = bits / 8;
  if (predictor === 3) yield* undoFloatPredictor(bytes, rowLength, chunk, size);
  else if (size > 1 && littleEndian !== HOST_IS_LITTLE) yield* swapped(bytes, size);
  const count = rowLength * chunk.height;
  const view = { buffer: bytes.buffer as ArrayBuffer, at: bytes.byteOffset };
  if (type === 'float16') {
    const halves = new Uint16Array(view.buffer, view.at, count);
    if (predictor === 2) yield* undoDifferences(halves, rowLength, chunk.channels);
    return yield* converted(type, count, (i) => floatFromHalf(halves[i] as number));
  }
  if (type === 'uint64' || type === 'int64') {
    const words = type === 'uint64' ? new BigUint64Array(view.buffer, view.at, count) : new BigInt64Array(view.buffer, view.at, count);
    return yield* converted(type, count, (i) => Number(words[i]));
  }
  const values = plainView(type, view.buffer, view.at, count);
  if (predictor === 2) yield* undoDifferences(values, rowLength, chunk.channels);
  return values;
}

function plainView(type: SampleType, buffer: ArrayBuffer, at: number, count: number): SampleArray {
  const { constructor } = sampleArray(type, 0) as { constructor: unknown };
  return new (constructor as new (buffer: ArrayBuffer, at: number, count: number) => SampleArray)(buffer, at, count);
}

function* converted(type: SampleType, count: number, value: (i: number) => number): Steps<SampleArray> {
  const out = sampleArray(type, count);
  for (let start = 0; start < count; start += PAUSE_AFTER_PLAIN) {
    for (let i = start, end = Math.min(count, start + PAUSE_AFTER_PLAIN); i < end; i++) out[i] = value(i);
    yield;
  }
  return out;
}

/** Samples of 9 to 15 bits, highest bit first. */
function* unpackedBits(bytes: Uint8Array, { width, height, channels }: Chunk, bits: number): Steps<SampleArray> {
  const perRow = width * channels;
  const out = new Uint16Array(perRow * height);
  const stride = rowBytes(width, channels, bits);
  for (let y = 0; y < height; y++) {
    let [buffer, held, from] = [0, 0, y * stride];
    for (let x = 0; x < perRow; x++) {
      while (held < bits) {
        buffer = ((buffer << 8) | (bytes[from++] as number)) & 0xffffff;
        held += 8;
      }
      out[y * perRow + x] = (buffer >> (held - bits)) & ((1 << bits) - 1);
      held -= bits;
    }
    yield;
  }
  return out;
}

function* swapped(bytes: Uint8Array, size: number): Steps<void> {
  for (let start = 0; start < bytes.length; start += PAUSE_AFTER_PLAIN) {
    const end = Math.min(bytes.length, start + PAUSE_AFTER_PLAIN);
    for (let at = start; at + size <= end; at += size) {
      for (let a = at, b = at + size - 1; a < b; a++, b--) {
        const kept = bytes[a] as number;
        bytes[a] = bytes[b] as number;
        bytes[b] = kept;
      }
    }
    yield;
  }
}

/** Differences from the pixel before, of each channel by itself; a typed array wraps around as the format wants it. */
function* undoDifferences(values: SampleArray, rowLength: number, channels: number): Steps<void> {
  for (let start = 0; start < values.length; start += rowLength) {
    for (let i = start + channels, end = start + rowLength; i < end; i++)
      values[i] = (values[i] as number) + (values[i - channels] as number);
    yield;
  }
}

/** Differences of bytes; each row has the highest byte of all its samples first, then the next (Adobe's technical note 3). */
function* undoFloatPredictor(bytes: Uint8Array, rowLength: number, { height, channels }: Chunk, size: number): Steps<void> {
  const stride = rowLength * size;
  for (let y = 0; y < height; y++) {
    const row = bytes.subarray(y * stride, (y + 1) * stride);
    for (let i = channels; i < stride; i++) row[i] = (row[i] as number) + (row[i - channels] as number);
    const planes = row.slice();
    for (let i = 0; i < rowLength; i++) {
      for (let b = 0; b < size; b++) {
        const place = HOST_IS_LITTLE ? size - 1 - b : b;
        row[i * size + place] = planes[b * rowLength + i] as number;
      }
    }
    yield;
  }
}
