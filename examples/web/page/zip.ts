/** Several files as one download: a zip archive whose files are stored as they are (PNG is packed already). */

export interface ZipEntry {
  name: string;
  bytes: Uint8Array;
}

const UTF8_NAMES = 0x0800;
/** 1980-01-01, so that the same files give the same archive. */
const DATE = 0x0021;

export function zipOf(entries: readonly ZipEntry[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  for (const { name, bytes } of entries) {
    const encoded = new TextEncoder().encode(name);
    const sum = crc32(bytes);
    const common = [20, UTF8_NAMES, 0, 0, DATE];
    const sizes: [number, 4][] = [
      [sum, 4],
      [bytes.length, 4],
      [bytes.length, 4],
    ];
    const local = record(0x04034b50, [...common.map(two), ...sizes, two(encoded.length), two(0)], encoded);
    const central = [two(20), ...common.map(two), ...sizes, two(encoded.length), two(0), two(0), two(0), two(0), four(0), four(at)];
    directory.push(record(0x02014b50, central, encoded));
    parts.push(local, new Uint8Array(bytes));
    at += local.length + bytes.length;
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const count = entries.length;
  const end = record(0x06054b50, [two(0), two(0), two(count), two(count), four(directoryBytes), four(at), two(0)]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

function two(value: number): [number, 2] {
  return [value, 2];
}

function four(value: number): [number, 4] {
  return [value, 4];
}

function record(
  signature: number,
  fields: readonly [value: number, size: 2 | 4][],
  name: Uint8Array = new Uint8Array(),
): Uint8Array<ArrayBuffer> {
  const size = fields.reduce((sum, [, width]) => sum + width, 4);
  const out = new Uint8Array(size + name.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, signature, true);
  let at = 4;
  for (const [value, width] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  out.set(name, at);
  return out;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (TABLE[(value ^ byte) & 0xff] as number) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
