/**
 * Index of the entries of an uncompressed zip archive, so that they can be read in place.
 *
 * Read strictly: the directory and the header before each entry must agree, and no two entries may share a byte.
 */
import { damagedCheckpoint } from './pickle-errors.ts';
import type { ReadAt } from './read-at.ts';

export interface ZipEntry {
  /** First byte of the entry's content, from the start of the file. */
  offset: number;
  byteLength: number;
}

interface DirectoryPlace {
  entries: number;
  offset: number;
  byteLength: number;
}

interface DirectoryEntry {
  name: string;
  headerOffset: number;
  byteLength: number;
}

const END = 0x06054b50;
const END_64_LOCATOR = 0x07064b50;
const END_64 = 0x06064b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const END_BYTES = 22;
const LOCAL_BYTES = 30;
const UNKNOWN_16 = 0xffff;
const UNKNOWN_32 = 0xffffffff;
/** Tag of the extra field that holds sizes of 64 bits. */
const ZIP64_FIELD = 1;

const MAX_ENTRIES = 100_000;
const MAX_DIRECTORY_BYTES = 64 << 20;
const MAX_NAME_BYTES = 1000;

/** size: bytes in the file. @throws CHECKPOINT_INVALID */
export async function readZipEntries(read: ReadAt, size: number, label: string): Promise<Map<string, ZipEntry>> {
  const place = await findDirectory(read, size, label);
  const listed = parseDirectory(await read(place.offset, place.byteLength), place.entries, label);
  const out = new Map<string, ZipEntry>();
  let free = 0;
  for (const entry of listed.sort((a, b) => a.headerOffset - b.headerOffset)) {
    if (out.has(entry.name)) throw damagedCheckpoint(label, `its archive lists ${JSON.stringify(entry.name)} twice`);
    if (entry.headerOffset < free) throw damagedCheckpoint(label, `its entry ${JSON.stringify(entry.name)} overlaps another`);
    const offset = await contentOffset(read, entry, label);
    free = offset + entry.byteLength;
    if (free > place.offset) throw damagedCheckpoint(label, `its entry ${JSON.stringify(entry.name)} runs into the directory`);
    out.set(entry.name, { offset, byteLength: entry.byteLength });
  }
  return out;
}

/** Names of all entries, packed ones too; as many as can be read where the directory is damaged. @throws CHECKPOINT_INVALID without a directory */
export async function readZipNames(read: ReadAt, size: number, label: string): Promise<string[]> {
  const place = await findDirectory(read, size, label);
  const bytes = await read(place.offset, place.byteLength);
  const view = viewOf(bytes);
  const names: string[] = [];
  for (let at = 0; names.length < place.entries && at + 46 <= bytes.length && view.getUint32(at, true) === DIRECTORY_ENTRY;) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
    names.push(entryName(bytes.subarray(at + 46, at + 46 + nameBytes)));
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return names;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function long(view: DataView, at: number, label: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damagedCheckpoint(label, `its archive names the impossible size ${value}`);
  return Number(value);
}

/** The directory stands at the end, before a comment of unknown length. */
async function findDirectory(read: ReadAt, size: number, label: string): Promise<DirectoryPlace> {
  const tailLength = Math.min(size, END_BYTES + 0xffff);
  const tailStart = size - tailLength;
  const tail = viewOf(await read(tailStart, tailLength));
  let at = tailLength - END_BYTES;
  while (at >= 0 && !(tail.getUint32(at, true) === END && at + END_BYTES + tail.getUint16(at + 20, true) === tailLength)) at--;
  if (at < 0) throw damagedCheckpoint(label, 'its archive has no directory at the end, so the file is probably cut short');

  let place = { entries: tail.getUint16(at + 10, true), byteLength: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) };
  let end = tailStart + at;
  if (place.entries === UNKNOWN_16 || place.byteLength === UNKNOWN_32 || place.offset === UNKNOWN_32) {
    const locator = viewOf(await read(end - 20, 20));
    if (locator.getUint32(0, true) !== END_64_LOCATOR)
      throw damagedCheckpoint(label, 'its archive lacks the place of its 64-bit directory');
    end = long(locator, 8, label);
    const record = viewOf(await read(end, 56));
    if (record.getUint32(0, true) !== END_64) throw damagedCheckpoint(label, 'its archive has a damaged 64-bit directory');
    place = { entries: long(record, 32, label), byteLength: long(record, 40, label), offset: long(record, 48, label) };
  }
  if (place.offset + place.byteLength > end) throw damagedCheckpoint(label, 'the directory of its archive runs past its own end');
  if (place.entries > MAX_ENTRIES || place.byteLength > MAX_DIRECTORY_BYTES)
    throw damagedCheckpoint(label, `its archive lists ${place.entries} entries in ${place.byteLength} bytes, more than any checkpoint`);
  return place;
}

function parseDirectory(bytes: Uint8Array, count: number, label: string): DirectoryEntry[] {
  const view = viewOf(bytes);
  const out: DirectoryEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== DIRECTORY_ENTRY)
      throw damagedCheckpoint(label, `the directory of its archive ends after ${i} of ${count} entries`);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
    const next = at + 46 + nameBytes + extraBytes + commentBytes;
    if (next > bytes.length || nameBytes > MAX_NAME_BYTES) throw damagedCheckpoint(label, `entry ${i} of its archive has a damaged name`);
    const name = entryName(bytes.subarray(at + 46, at + 46 + nameBytes));
    if ((view.getUint16(at + 8, true) & 1) !== 0) throw damagedCheckpoint(label, `its entry ${JSON.stringify(name)} is encrypted`);
    if (view.getUint16(at + 10, true) !== 0)
      throw damagedCheckpoint(
        label,
        `its entry ${JSON.stringify(name)} is compressed, which torch.save never does (TorchScript does); save model.state_dict()`,
      );
    const extra = { from: at + 46 + nameBytes, to: at + 46 + nameBytes + extraBytes };
    const sizes = {
      byteLength: view.getUint32(at + 24, true),
      stored: view.getUint32(at + 20, true),
      header: view.getUint32(at + 42, true),
    };
    const { byteLength, stored, header } = widened(view, sizes, extra, label);
    if (byteLength !== stored) throw damagedCheckpoint(label, `its entry ${JSON.stringify(name)} has two different sizes`);
    out.push({ name, headerOffset: header, byteLength });
    at = next;
  }
  return out;
}

/** Replaces the sizes that did not fit into 32 bits by those of the extra field, which holds only these, in this order. */
function widened<K extends string>(
  view: DataView,
  sizes: Record<K, number>,
  extra: { from: number; to: number },
  label: string,
): Record<K, number> {
  const missing = (Object.keys(sizes) as K[]).filter((key) => sizes[key] === UNKNOWN_32);
  const out = { ...sizes };
  for (let at = extra.from; missing.length > 0 && at + 4 <= extra.to;) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === ZIP64_FIELD && length >= 8 * missing.length && at + 4 + length <= extra.to) {
      missing.forEach((key, i) => (out[key] = long(view, at + 4 + 8 * i, label)));
      return out;
    }
    at += 4 + length;
  }
  if (missing.length > 0) throw damagedCheckpoint(label, 'an entry of its archive lacks its 64-bit size');
  return out;
}

/** The content follows a header whose length only the header itself gives. */
async function contentOffset(read: ReadAt, entry: DirectoryEntry, label: string): Promise<number> {
  const wrong = (): Error => damagedCheckpoint(label, `its archive has no entry ${JSON.stringify(entry.name)} where its directory says`);
  const fixed = viewOf(await read(entry.headerOffset, LOCAL_BYTES));
  if (fixed.getUint32(0, true) !== LOCAL_HEADER || fixed.getUint16(8, true) !== 0) throw wrong();
  const nameBytes = fixed.getUint16(26, true);
  if (nameBytes > MAX_NAME_BYTES) throw wrong();
  const name = entryName(await read(entry.headerOffset + LOCAL_BYTES, nameBytes));
  if (name !== entry.name) throw wrong();
  return entry.headerOffset + LOCAL_BYTES + nameBytes + fixed.getUint16(28, true);
}

function entryName(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
