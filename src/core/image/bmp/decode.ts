/** BMP files to 8-bit pixels: all bit depths, rows from either end, palettes, bit fields and both run lengths. */
import { ProsamError } from '../../common/errors.ts';
import { PAUSE_AFTER_PLAIN, type Steps } from '../../mask/cooperative.ts';
import type { BmpHead } from './head.ts';

/** Pixels: RGB, or RGBA where the file has bits for alpha. */
export interface BmpPixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 3 | 4;
}

/** @throws IMAGE_UNREADABLE for files that are cut off */
export function* decodeBmp(bytes: Uint8Array, head: BmpHead, label: string): Steps<BmpPixels> {
  const { width, height, fields, bits, packing } = head;
  const channels = packing === 'fields' && fields[3] !== 0 ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  const pixels = bytes.subarray(head.offset);
  if (packing === 'rle4' || packing === 'rle8') {
    yield* paint(data, head, yield* unpackRuns(pixels, head));
    return { data, width, height, channels };
  }
  const stride = 4 * Math.ceil((width * bits) / 32);
  // The filling of the last row may be missing.
  if (head.offset < 14 || pixels.byteLength < stride * (height - 1) + Math.ceil((width * bits) / 8))
    throw new ProsamError('IMAGE_UNREADABLE', `${label}: expected a whole BMP image, but its pixels are cut off. Copy or save it again.`);
  const put = bits <= 8 ? indexed(head) : bits === 24 ? blueGreenRed : wide(pixels, head, channels);
  for (let row = 0, unpaused = 0; row < height; row++) {
    const y = head.topDown ? row : height - 1 - row;
    put(pixels, row * stride, data, y * width * channels, width);
    unpaused += width;
    if (unpaused < PAUSE_AFTER_PLAIN / 8) continue;
    unpaused = 0;
    yield;
  }
  return { data, width, height, channels };
}

/** Writes one row. */
type PutRow = (pixels: Uint8Array, from: number, data: Uint8Array, to: number, width: number) => void;

function indexed({ bits, palette }: BmpHead): PutRow {
  const perByte = 8 / bits;
  const most = 2 ** bits - 1;
  return (pixels, from, data, to, width) => {
    for (let x = 0; x < width; x++) {
      const byte = pixels[from + Math.floor(x / perByte)] as number;
      const entry = 3 * ((byte >> (8 - bits - (x % perByte) * bits)) & most);
      for (let c = 0; c < 3; c++) data[to + 3 * x + c] = palette[entry + c] as number;
    }
  };
}

const blueGreenRed: PutRow = (pixels, from, data, to, width) => {
  for (let i = 0; i < 3 * width; i += 3) {
    data[to + i] = pixels[from + i + 2] as number;
    data[to + i + 1] = pixels[from + i + 1] as number;
    data[to + i + 2] = pixels[from + i] as number;
  }
};

/** Value of a field scaled to 0..255, rounded down as Pillow does. */
function fieldReader(mask: number): (word: number) => number {
  if (mask === 0) return () => 0;
  const low = (mask & -mask) >>> 0;
  const most = mask / low;
  // In doubles: 32 bits do not fit the language's signed ones.
  return (word) => Math.floor((255 * (((word & mask) >>> 0) / low)) / most);
}

/** Pixels of 16 and 32 bits. */
function wide(all: Uint8Array, { bits, fields }: BmpHead, channels: number): PutRow {
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  const readers = fields.slice(0, channels).map(fieldReader);
  return (_, from, data, to, width) => {
    for (let x = 0; x < width; x++) {
      const word = bits === 16 ? view.getUint16(from + 2 * x, true) : view.getUint32(from + 4 * x, true);
      for (let c = 0; c < channels; c++) data[to + x * channels + c] = (readers[c] as (word: number) => number)(word);
    }
  };
}

function* paint(data: Uint8Array, { width, height, palette }: BmpHead, indices: Uint8Array): Steps<void> {
  for (let row = 0, unpaused = 0; row < height; row++) {
    const to = 3 * (height - 1 - row) * width;
    for (let x = 0; x < width; x++) {
      const entry = 3 * (indices[row * width + x] as number);
      for (let c = 0; c < 3; c++) data[to + 3 * x + c] = palette[entry + c] as number;
    }
    unpaused += width;
    if (unpaused < PAUSE_AFTER_PLAIN / 8) continue;
    unpaused = 0;
    yield;
  }
}

/** Run lengths to palette indices, lowest row first; what they jump over is entry 0, and what lies outside is dropped. */
function* unpackRuns(packed: Uint8Array, { width, height, packing }: BmpHead): Steps<Uint8Array> {
  const out = new Uint8Array(width * height);
  const nibbles = packing === 'rle4';
  const set = (x: number, y: number, value: number): void => {
    if (x < width && y < height) out[y * width + x] = value;
  };
  const part = (byte: number, i: number): number => (!nibbles ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  let [x, y, at, unpaused] = [0, 0, 0, 0];
  while (at + 1 < packed.length && y < height) {
    const [count, value] = [packed[at] as number, packed[at + 1] as number];
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) set(x++, y, part(value, i));
    } else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) {
      x += packed[at] ?? 0;
      y += packed[at + 1] ?? 0;
      at += 2;
    } else {
      for (let i = 0; i < value; i++) set(x++, y, part(packed[at + (nibbles ? i >> 1 : i)] ?? 0, i));
      const used = nibbles ? Math.ceil(value / 2) : value;
      at += used + (used % 2);
    }
    unpaused += count + 16;
    if (unpaused < PAUSE_AFTER_PLAIN / 8) continue;
    unpaused = 0;
    yield;
  }
  return out;
}
