/** Image files that libraries hardly write, made byte by byte. */

/** Bytes after one another: numbers of so many bytes each, lowest first, or bytes. */
function bytesOf(...parts: readonly (readonly [bytes: 1 | 2 | 4, ...numbers: number[]] | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      const [size, ...numbers] = part as readonly number[] as [1 | 2 | 4, ...number[]];
      const bytes = Buffer.alloc(size * numbers.length);
      numbers.forEach((value, i) => bytes.writeUIntLE(value, i * size, size));
      return bytes;
    }),
  );
}

interface Size {
  width: number;
  height: number;
}

/** 24 bits a pixel: rows from the bottom, blue first, each padded to four bytes. data: RGB */
export function bmpFile(data: Uint8Array, { width, height }: Size): Uint8Array {
  const stride = 4 * Math.ceil((3 * width) / 4);
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) pixels[(height - 1 - y) * stride + 3 * x + 2 - c] = data[3 * (y * width + x) + c] as number;
  return bytesOf(
    Buffer.from('BM'),
    [4, 54 + pixels.length, 0, 54, 40, width, height],
    [2, 1, 24],
    [4, 0, pixels.length, 2835, 2835, 0, 0],
    pixels,
  );
}

interface TiffOptions extends Size {
  /** @default 1 */
  channels?: 1 | 3;
  /** 1 unsigned, 2 signed, 3 float. @default 1 */
  format?: 1 | 2 | 3;
  /** Bits a sample; those of the array's numbers where it is left out. Others must be packed already, each row to whole bytes. */
  bits?: number;
  /** As EXIF numbers them. @default 1 */
  orientation?: number;
}

/** One strip without packing, lowest byte first. */
export function tiffFile(
  samples: Uint8Array | Int16Array | Uint16Array | Float32Array,
  { width, height, channels = 1, format = 1, bits = 8 * samples.BYTES_PER_ELEMENT, orientation = 1 }: TiffOptions,
): Uint8Array {
  const pixels = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const entries: [tag: number, type: 3 | 4, value: number][] = [
    [256, 4, width],
    [257, 4, height],
    [258, 3, bits],
    [259, 3, 1],
    [262, 3, channels === 3 ? 2 : 1],
    [273, 4, 200],
    [274, 3, orientation],
    [277, 3, channels],
    [278, 4, height],
    [279, 4, pixels.length],
    [339, 3, format],
  ];
  const written = entries.map(([tag, type, value]) => bytesOf([2, tag, type], [4, 1, value]));
  const head = bytesOf(Buffer.from('II*\0'), [4, 8], [2, entries.length], ...written, [4, 0]);
  return Buffer.concat([head, Buffer.alloc(200 - head.length), pixels]);
}

/** Numbers of so many bits each after one another, highest bit first, every row padded to whole bytes. */
export function packedRows(values: ArrayLike<number>, perRow: number, bits: number): Uint8Array {
  const stride = Math.ceil((perRow * bits) / 8);
  const out = new Uint8Array(stride * Math.ceil(values.length / perRow));
  for (let i = 0; i < values.length; i++) {
    const start = Math.floor(i / perRow) * stride * 8 + (i % perRow) * bits;
    for (let bit = 0; bit < bits; bit++) {
      const at = start + bit;
      if (((values[i] as number) >> (bits - 1 - bit)) & 1) out[at >> 3] = (out[at >> 3] as number) | (0x80 >> (at & 7));
    }
  }
  return out;
}
