/** Label maps from indexed or grey PNG files: the value of a pixel is its class id, whatever colour the palette gives it. */
import { readFile, stat } from 'node:fs/promises';
import { decode } from 'fast-png';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { DEFAULT_LIMITS } from '../../core/image/node/decode.ts';
import type { LabelMap } from '../types.ts';

const PNG_SIGNATURE = '89504e470d0a1a0a';
const COLOUR_TYPES = new Map([
  [0, 'grey'],
  [2, 'RGB'],
  [3, 'indexed'],
  [4, 'grey with alpha'],
  [6, 'RGB with alpha'],
]);

/** @throws DATASET_INVALID for anything but an indexed or grey PNG of up to 8 bits */
export async function readLabelPng(file: string): Promise<LabelMap> {
  const bytes = await readBounded(file);
  const depth = checkHeader(file, bytes);
  try {
    const { data, width, height } = decode(bytes, { checkCrc: true });
    return { data: depth === 8 ? new Uint8Array(data) : unpack(data, width, height, depth), width, height };
  } catch (cause) {
    throw invalid(file, `it is damaged: ${messageOf(cause)}`, 'Write the file again.', cause);
  }
}

async function readBounded(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    if (size > DEFAULT_LIMITS.maxBytes) throw invalid(file, `it has ${size} bytes`, `At most ${DEFAULT_LIMITS.maxBytes} are read.`);
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof ProsamError) throw cause;
    throw invalid(file, `it cannot be read: ${messageOf(cause)}`, 'Put the file there.', cause);
  }
}

/** -> bits per pixel; everything that would make pixel values mean something else is refused before decoding. */
function checkHeader(file: string, bytes: Uint8Array): number {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 33));
  if (header.byteLength < 33 || header.toString('hex', 0, 8) !== PNG_SIGNATURE) {
    throw invalid(file, 'it is no PNG', 'JPEG and other formats blur class ids: save label maps as PNG.');
  }
  const [width, height] = [header.readUInt32BE(16), header.readUInt32BE(20)];
  const [depth = 0, colourType = 0, , , interlace = 0] = header.subarray(24, 29);
  if (colourType !== 0 && colourType !== 3) {
    const kind = COLOUR_TYPES.get(colourType) ?? `of colour type ${colourType}`;
    throw invalid(file, `it is ${kind}`, 'Colours name no classes: save one channel that holds the class ids.');
  }
  if (depth > 8) throw invalid(file, `it has ${depth} bits per pixel`, 'Class ids go up to 254: save it with 8 bits.');
  if (depth < 8 && interlace !== 0) {
    throw invalid(file, `it is interlaced with ${depth} bits per pixel`, 'Save it with 8 bits, or without interlacing.');
  }
  if (width < 1 || height < 1 || width * height > DEFAULT_LIMITS.maxPixels) {
    throw invalid(file, `it has ${width} x ${height} pixels`, `Between 1 and ${DEFAULT_LIMITS.maxPixels} are read.`);
  }
  return depth;
}

/** Several pixels share a byte, the first in its upper bits; every row starts a new byte. */
function unpack(packed: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const out = new Uint8Array(width * height);
  const rowBytes = Math.ceil((width * depth) / 8);
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = packed[y * rowBytes + (bit >> 3)] as number;
      out[y * width + x] = (byte >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return out;
}

function invalid(file: string, problem: string, remedy: string, cause?: unknown): ProsamError {
  const text = `${file}: expected an indexed or grey PNG of up to 8 bits with the class id as pixel value, but ${problem}. ${remedy}`;
  return new ProsamError('DATASET_INVALID', text, { cause });
}
