/** PNG files written by hand, to say exactly what stands in them. */
import { crc32, deflateSync } from 'node:zlib';

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

export const PNG_COLOUR = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

export interface PngParts {
  width: number;
  height: number;
  /** Bits per sample. */
  depth: number;
  colour: number;
  /** Rows as stored, each led by a filter byte; packed by zlib here. */
  rows: Uint8Array;
  /** Chunks between header and data: palette, transparency. */
  between?: Uint8Array[];
}

export function pngFile({ width, height, depth, colour, rows, between = [] }: PngParts): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colour;
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    ...between,
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', new Uint8Array(0)),
  ]);
}

/** One row of 16-bit samples. */
export function row16(...samples: number[]): Uint8Array {
  return Uint8Array.from([0, ...samples.flatMap((sample) => [sample >> 8, sample & 255])]);
}
