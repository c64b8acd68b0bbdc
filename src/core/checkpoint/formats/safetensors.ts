/**
 * The safetensors format: 8 bytes header length, a JSON header, then raw little-endian data.
 * Read strictly: a header is refused unless every byte of the file is spoken for exactly once.
 */
import { floatFromHalf } from '../../common/half.ts';
import { ProsamError } from '../../common/errors.ts';

export const BYTES_PER_ELEMENT = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;
export type Dtype = keyof typeof BYTES_PER_ELEMENT;

const OPENING_BRACE = 0x7b;
/** The format's own bound on the header. */
const MAX_HEADER_BYTES = 100_000_000;

export interface TensorEntry {
  dtype: Dtype;
  shape: readonly number[];
  /** From the start of the file. */
  offset: number;
  byteLength: number;
}

export interface SafetensorsIndex {
  tensors: ReadonlyMap<string, TensorEntry>;
  metadata: Readonly<Record<string, string>>;
}

/** Length of the JSON header from the first eight bytes. @throws CHECKPOINT_PICKLE, CHECKPOINT_INVALID */
export function safetensorsHeaderLength(firstBytes: Uint8Array, fileSize: number, label: string): number {
  const length = claimedLength(firstBytes);
  if (beginsLikePickle(firstBytes, fileSize)) {
    throw new ProsamError(
      'CHECKPOINT_PICKLE',
      `${label}: expected a .safetensors file, got a PyTorch pickle, which could run code when opened. Save the weights as safetensors.`,
    );
  }
  if (length === undefined) throw invalid(label, `expected at least 8 bytes, got ${firstBytes.byteLength}`);
  if (!isPossible(length, fileSize)) throw invalid(label, `the header claims ${length} bytes in a file of ${fileSize}`);
  return Number(length);
}

/**
 * True for what torch.save writes. A safetensors file may begin so too, but then the length it gives is one it can have, and
 * the ninth byte, where there is one, opens its header.
 */
export function beginsLikePickle(firstBytes: Uint8Array, fileSize: number): boolean {
  const opensHeader = firstBytes.byteLength <= 8 || firstBytes[8] === OPENING_BRACE;
  return isPickle(firstBytes) && !(opensHeader && isPossible(claimedLength(firstBytes), fileSize));
}

/** True where the length that a file begins with is one it can have, and opens a header. */
export function beginsLikeSafetensors(firstBytes: Uint8Array, fileSize: number): boolean {
  return firstBytes[8] === OPENING_BRACE && isPossible(claimedLength(firstBytes), fileSize);
}

/** header: the JSON bytes; fileSize in bytes of the whole file. @throws CHECKPOINT_INVALID */
export function parseSafetensorsHeader(header: Uint8Array, fileSize: number, label: string): SafetensorsIndex {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(label, 'the header is not JSON', cause);
  }
  if (!isRecord(parsed)) throw invalid(label, 'the header is not a JSON object');
  const names = topLevelKeys(text);
  const repeated = firstRepeated(names);
  if (repeated !== undefined) throw invalid(label, `the name ${JSON.stringify(repeated)} appears twice`);
  // V8 may take a name with an escape for one with a backslash that it saw before (nodejs/node#63785).
  const misread = names.find((name) => !Object.hasOwn(parsed, name));
  if (misread !== undefined) throw invalid(label, `the name ${JSON.stringify(misread)} is misread by this JavaScript engine`);

  const dataStart = 8 + header.byteLength;
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = parseMetadata(value, label);
    else tensors.set(name, parseEntry(name, value, dataStart, fileSize, label));
  }
  checkCoverage(tensors, dataStart, fileSize, label);
  return { tensors, metadata };
}

/** A whole file in memory. */
export function parseSafetensors(bytes: Uint8Array, label: string): SafetensorsIndex {
  const length = safetensorsHeaderLength(bytes.subarray(0, 8), bytes.byteLength, label);
  return parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.byteLength, label);
}

/** Values of a floating-point tensor as float32. bytes: exactly the tensor's bytes. @throws CHECKPOINT_INVALID for other dtypes */
export function floatsFromTensor(entry: TensorEntry, bytes: Uint8Array, label: string): Float32Array {
  const aligned = new Uint8Array(bytes).buffer; // not slice(): a Buffer's shares memory with whatever else its pool holds
  if (entry.dtype === 'F32') return new Float32Array(aligned);
  if (entry.dtype === 'F16') return floatsFromHalves(new Uint16Array(aligned));
  if (entry.dtype === 'F64') return Float32Array.from(new Float64Array(aligned));
  // bfloat16 is the upper half of a float32.
  if (entry.dtype === 'BF16') return new Float32Array(new Uint32Array(new Uint16Array(aligned)).map((bits) => bits << 16).buffer);
  throw invalid(label, `expected F32, F16, BF16 or F64 values, got ${entry.dtype}`);
}

let everyHalf: Float32Array | undefined;

/** By a table of all 65,536 halves: checkpoints have millions of them. */
function floatsFromHalves(bits: Uint16Array): Float32Array {
  const values = (everyHalf ??= new Float32Array(2 ** 16).map((_, half) => floatFromHalf(half)));
  const out = new Float32Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = values[bits[i] as number] as number;
  return out;
}

export interface TensorToWrite {
  dtype: Dtype;
  shape: readonly number[];
  /** Little-endian values. */
  bytes: Uint8Array;
}

/** Single-precision values as they are written; `data` is not copied. */
export function tensorToWrite(data: Float32Array, shape: readonly number[]): TensorToWrite {
  return { dtype: 'F32', shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** The bytes of a safetensors file; tensors in name order, data aligned to 8 bytes. */
export function safetensorsBytes(
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: [name: string, entry: unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push(['__metadata__', metadata]);
  let end = 0;
  const names = Object.keys(tensors).sort();
  for (const name of names) {
    if (name === '__metadata__') throw invalid(name, 'no tensor can have this name');
    const { dtype, shape, bytes } = tensors[name] as TensorToWrite;
    const wanted = elementCount(shape) * BYTES_PER_ELEMENT[dtype];
    if (bytes.byteLength !== wanted)
      throw invalid(name, `shape [${shape.join(', ')}] of ${dtype} takes ${wanted} bytes, got ${bytes.byteLength}`);
    header.push([name, { dtype, shape, data_offsets: [end, (end += wanted)] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const out = new Uint8Array(8 + padded + end).fill(0x20, 8, 8 + padded);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(json, 8);
  let at = 8 + padded;
  for (const name of names) {
    const { bytes } = tensors[name] as TensorToWrite;
    out.set(bytes, at);
    at += bytes.byteLength;
  }
  return out;
}

function invalid(label: string, problem: string, cause?: unknown): ProsamError {
  return new ProsamError('CHECKPOINT_INVALID', `${label}: not a sound safetensors file: ${problem}. Fetch or write the file again.`, {
    cause,
  });
}

/** Zip container of torch.save, or a bare pickle with protocol 2 or later. */
function isPickle(bytes: Uint8Array): boolean {
  const zip = bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
  const bare = bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5;
  return zip || bare;
}

/** Undefined in a file too short to give one. */
function claimedLength(firstBytes: Uint8Array): bigint | undefined {
  return firstBytes.byteLength < 8 ? undefined : new DataView(firstBytes.buffer, firstBytes.byteOffset).getBigUint64(0, true);
}

function isPossible(length: bigint | undefined, fileSize: number): boolean {
  return length !== undefined && length <= BigInt(MAX_HEADER_BYTES) && length <= BigInt(fileSize - 8);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

function parseMetadata(value: unknown, label: string): Record<string, string> {
  if (!isRecord(value) || !Object.values(value).every((item) => typeof item === 'string')) {
    throw invalid(label, '__metadata__ is not a map of strings');
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, value: unknown, dataStart: number, fileSize: number, label: string): TensorEntry {
  const bad = (problem: string): ProsamError => invalid(label, `tensor ${JSON.stringify(name)} ${problem}`);
  if (!isRecord(value)) throw bad('has no description');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_PER_ELEMENT, dtype)) throw bad(`has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw bad('has a shape that is not a list of sizes');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) throw bad('has no data_offsets [begin, end]');
  const [begin, end] = offsets as [number, number];
  const wanted = elementCount(shape) * BYTES_PER_ELEMENT[dtype as Dtype];
  if (end - begin !== wanted) throw bad(`of shape [${shape.join(', ')}] takes ${wanted} bytes, its offsets give ${end - begin}`);
  if (dataStart + end > fileSize)
    throw bad(`ends at byte ${dataStart + end} of a file of ${fileSize}: it is cut short, the download or the copy did not end`);
  return { dtype: dtype as Dtype, shape, offset: dataStart + begin, byteLength: wanted };
}

function checkCoverage(tensors: ReadonlyMap<string, TensorEntry>, dataStart: number, fileSize: number, label: string): void {
  let at = dataStart;
  for (const [name, entry] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    if (entry.offset !== at)
      throw invalid(label, `tensor ${JSON.stringify(name)} ${entry.offset < at ? 'overlaps another' : 'leaves a gap before it'}`);
    at += entry.byteLength;
  }
  if (at !== fileSize) throw invalid(label, `${fileSize - at} bytes after the last tensor belong to none`);
}

function firstRepeated(keys: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return keys.find((key) => seen.size === seen.add(key).size);
}

/** Keys of the outermost object as written, repeats included (JSON.parse keeps only the last of a repeated key). */
function topLevelKeys(json: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    else if (char === '"') {
      const start = i++;
      while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
      let next = i + 1;
      while (/\s/.test(json[next] ?? '')) next++;
      if (depth === 1 && json[next] === ':') keys.push(JSON.parse(json.slice(start, i + 1)) as string);
    }
  }
  return keys;
}
