/** The objects in the arrays of a JSON file's root object, one at a time: annotation files outgrow the longest string there is. */
import { open } from 'node:fs/promises';
import { ProsamError } from '../../core/common/errors.ts';
import { createJsonScan, JSON_TOKEN } from '../../core/common/json-scan.ts';
import { parseLenient } from './forms/lenient-json.ts';

const CHUNK_BYTES = 4 * 2 ** 20;
/** One annotation of a crowd takes some ten thousand bytes. */
const MAX_OBJECT_BYTES = 64 * 2 ** 20;
const MAX_KEY_BYTES = 256;

/** An object with the place of its text in the file, so that it can be read again instead of kept. */
export interface JsonElement {
  /** Name of its array. */
  key: string;
  value: unknown;
  /** Bytes from the start of the file. */
  offset: number;
  length: number;
}

/**
 * Calls `onElement` for every object in an array directly below the root whose name is in `keys`, in the order of the file.
 * Memory holds one chunk and one object.
 * @throws DATASET_INVALID for a file that is no complete JSON object
 */
export async function scanJsonArrays(
  file: string,
  keys: ReadonlySet<string>,
  onElement: (element: JsonElement) => void,
  onBytes?: (bytes: number) => void,
): Promise<void> {
  const scanner = createScanner(file, keys, onElement);
  const handle = await open(file, 'r');
  try {
    for (let position = 0; ;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
      if (bytesRead === 0) break;
      scanner.push(buffer.subarray(0, bytesRead));
      position += bytesRead;
      onBytes?.(position);
    }
    scanner.end();
  } finally {
    await handle.close();
  }
}

/** One object at its place. @throws DATASET_INVALID */
export function parseElement(file: string, text: string, offset: number): unknown {
  try {
    return parseLenient(text);
  } catch (cause) {
    throw damaged(file, `the object at byte ${offset} is none`, cause);
  }
}

function createScanner(file: string, keys: ReadonlySet<string>, onElement: (element: JsonElement) => void) {
  const scan = createJsonScan();
  let depth = 0;
  let complete = false;
  /** The last string directly below the root: perhaps the name of a value. */
  let name = '';
  let isRequested = false;
  /** Place of the object being read, or -1. */
  let start = -1;
  let kept: Buffer = Buffer.alloc(0);
  /** Place of the first of the bytes at hand. */
  let base = 0;

  const push = (chunk: Buffer): void => {
    const bytes = kept.byteLength > 0 ? Buffer.concat([kept, chunk]) : chunk;
    const textAt = (from: number, end: number): string => bytes.toString('utf8', from - base, end - base);
    scan.feed(chunk);
    for (let token = scan.next(); token !== undefined; token = scan.next()) {
      const at = scan.at();
      if (token === JSON_TOKEN.string) {
        const isShort = at - scan.stringStart() <= MAX_KEY_BYTES;
        if (depth === 1) name = isShort ? textAt(scan.stringStart(), at) : '';
      } else if (token === JSON_TOKEN.openObject || token === JSON_TOKEN.openList) {
        if (depth === 0 && (complete || token === JSON_TOKEN.openList)) throw damaged(file, `the root at byte ${at} is no single object`);
        if (depth === 1) isRequested = token === JSON_TOKEN.openList && keys.has(name);
        if (depth === 2 && isRequested) start = at;
        depth++;
      } else if (token === JSON_TOKEN.closeObject || token === JSON_TOKEN.closeList) {
        depth--;
        if (depth < 0) throw damaged(file, `a bracket closes nothing at byte ${at}`);
        if (depth === 0) complete = true;
        if (depth === 2 && start >= 0) {
          const value = parseElement(file, textAt(start, at + 1), start);
          onElement({ key: name, value, offset: start, length: at + 1 - start });
          start = -1;
        }
      }
    }
    const end = base + bytes.byteLength;
    const isName = scan.inString() && depth === 1 && end - scan.stringStart() <= MAX_KEY_BYTES;
    const from = start >= 0 ? start : isName ? scan.stringStart() : end;
    if (end - from > MAX_OBJECT_BYTES) throw damaged(file, `the object at byte ${from} is over ${MAX_OBJECT_BYTES} bytes long`);
    kept = bytes.subarray(from - base);
    base = from;
  };
  const end = (): void => {
    if (!complete || depth !== 0 || scan.inString()) throw damaged(file, 'it ends too early');
  };
  return { push, end };
}

function damaged(file: string, problem: string, cause?: unknown): ProsamError {
  return new ProsamError('DATASET_INVALID', `${file}: expected one JSON object, but ${problem}. Copy or unpack the file again.`, { cause });
}
