/** The least of a shared library of Linux x64: a header, two segments and the names of what it asks for. It has no code. */

const HEADER = 64;
const PROGRAM_HEADER = 56;

export function sharedLibrary(needed: readonly string[]): Buffer {
  const strings = Buffer.from(`\0${needed.map((name) => `${name}\0`).join('')}`, 'latin1');
  const stringsAt = HEADER + 2 * PROGRAM_HEADER;
  const dynamicAt = stringsAt + strings.length;
  let at = 1;
  const entries: [tag: number, value: number][] = needed.map((name) => {
    const entry: [number, number] = [1, at];
    at += name.length + 1;
    return entry;
  });
  entries.push([5, stringsAt], [0, 0]);
  const dynamic = Buffer.alloc(entries.length * 16);
  entries.forEach(([tag, value], i) => {
    dynamic.writeBigUInt64LE(BigInt(tag), i * 16);
    dynamic.writeBigUInt64LE(BigInt(value), i * 16 + 8);
  });
  const total = dynamicAt + dynamic.length;

  const header = Buffer.alloc(HEADER);
  header.write('\x7fELF', 'latin1');
  header.set([2, 1, 1], 4); // 64 bits, little-endian, version 1
  header.writeUInt16LE(3, 16); // a shared library
  header.writeUInt16LE(62, 18); // x86-64
  header.writeBigUInt64LE(BigInt(HEADER), 32);
  header.writeUInt16LE(PROGRAM_HEADER, 54);
  header.writeUInt16LE(2, 56);
  return Buffer.concat([header, segment(1, 0, total), segment(2, dynamicAt, dynamic.length), strings, dynamic]);
}

/** Addresses are offsets. */
function segment(type: number, offset: number, bytes: number): Buffer {
  const entry = Buffer.alloc(PROGRAM_HEADER);
  entry.writeUInt32LE(type, 0);
  entry.writeBigUInt64LE(BigInt(offset), 8);
  entry.writeBigUInt64LE(BigInt(offset), 16);
  entry.writeBigUInt64LE(BigInt(bytes), 32);
  return entry;
}
