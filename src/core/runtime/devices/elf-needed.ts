/** Libraries that a shared library of Linux depends on: the DT_NEEDED entries of a 64-bit little-endian ELF file. */
import { closeSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const LOAD = 1;
const DYNAMIC = 2;
const NEEDED = 1n;
const STRING_TABLE = 5n;
const MAX_BYTES = 1 << 24; // of one table; a file that claims more is none of ours

interface Segment {
  type: number;
  offset: number;
  address: number;
  bytes: number;
}

/** File names in the order of the file; none where the file is not such a library. */
export function neededLibraries(path: string): string[] {
  const file = openSync(path, 'r');
  const read = (offset: number, bytes: number): Buffer => {
    const buffer = Buffer.alloc(Math.min(bytes, MAX_BYTES));
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, offset));
  };
  try {
    const header = read(0, HEADER_BYTES);
    if (header.length < HEADER_BYTES || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return [];
    const table = read(Number(header.readBigUInt64LE(32)), header.readUInt16LE(56) * PROGRAM_HEADER_BYTES);
    const segments: Segment[] = [];
    for (let at = 0; at + PROGRAM_HEADER_BYTES <= table.length; at += PROGRAM_HEADER_BYTES) {
      segments.push({
        type: table.readUInt32LE(at),
        offset: Number(table.readBigUInt64LE(at + 8)),
        address: Number(table.readBigUInt64LE(at + 16)),
        bytes: Number(table.readBigUInt64LE(at + 32)),
      });
    }
    const dynamic = segments.find(({ type }) => type === DYNAMIC);
    return dynamic ? namesOf(read(dynamic.offset, dynamic.bytes), segments, read) : [];
  } finally {
    closeSync(file);
  }
}

/** The dynamic section lists pairs of a tag and a value; names are offsets into a table of strings it gives the address of. */
function namesOf(dynamic: Buffer, segments: readonly Segment[], read: (offset: number, bytes: number) => Buffer): string[] {
  const names: number[] = [];
  let strings: number | undefined;
  for (let at = 0; at + 16 <= dynamic.length; at += 16) {
    const [tag, value] = [dynamic.readBigInt64LE(at), Number(dynamic.readBigUInt64LE(at + 8))];
    if (tag === NEEDED) names.push(value);
    if (tag === STRING_TABLE) strings = value;
  }
  const home = segments.find(
    ({ type, address, bytes }) => type === LOAD && strings !== undefined && strings >= address && strings < address + bytes,
  );
  if (home === undefined || strings === undefined) return [];
  const start = strings - home.address + home.offset;
  return names.map((name) => {
    const text = read(start + name, 256);
    return text.subarray(0, text.indexOf(0)).toString('latin1');
  });
}
