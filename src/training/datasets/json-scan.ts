/** The objects in the arrays of a JSON file's root object, one at a time: annotation files outgrow the longest string there is. */
import { open } from 'node:fs/promises';
import { ProsamError } from '../../core/common/errors.ts';

const CHUNK_BYTES = 4 * 2 ** 20;
/** One annotation of a crowd takes some ten thousand bytes. */
const MAX_OBJECT_BYTES = 64 * 2 ** 20;
const MAX_KEY_BYTES = 256;

const [QUOTE, BACKSLASH, COLON, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [34, 92, 58, 123, 125, 91, 93];

/** An object with the place of its text in the file, so that it can be read again instead of kept. */
export interface JsonElement {
  /** Name of the array it stands in. */
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
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(file, `the object at byte ${offset} is none`, cause);
  }
}

function createScanner(file: string, keys: ReadonlySet<string>, onElement: (element: JsonElement) => void) {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let complete = false;
  /** Bytes of the string being read directly below the root: perhaps the name of a value. */
  let name: number[] = [];
  let key = '';
  let wanted = false;
  let kept: Buffer = Buffer.alloc(0);
  /** Start of the object being read within the bytes at hand, or -1. */
  let start = -1;
  /** Place in the file of the first of the bytes at hand. */
  let base = 0;

  const push = (chunk: Buffer): void => {
    const bytes = kept.byteLength > 0 ? Buffer.concat([kept, chunk]) : chunk;
    for (let at = kept.byteLength; at < bytes.byteLength; at++) {
      const byte = bytes[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        if (inString && depth === 1 && name.length < MAX_KEY_BYTES) name.push(byte);
        continue;
      }
      switch (byte) {
        case QUOTE:
          inString = true;
          if (depth === 1) name = [];
          break;
        case COLON:
          if (depth === 1) key = Buffer.from(name).toString();
          break;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (depth === 0 && (complete || byte !== OPEN_BRACE)) throw damaged(file, `the root at byte ${base + at} is no single object`);
          if (depth === 1) wanted = byte === OPEN_BRACKET && keys.has(key);
          if (depth === 2 && wanted) start = at;
          depth++;
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          depth--;
          if (depth < 0) throw damaged(file, `a bracket closes nothing at byte ${base + at}`);
          if (depth === 0) complete = true;
          if (depth === 2 && start >= 0) {
            const offset = base + start;
            const value = parseElement(file, bytes.toString('utf8', start, at + 1), offset);
            onElement({ key, value, offset, length: at + 1 - start });
            start = -1;
          }
          break;
      }
    }
    const from = start >= 0 ? start : bytes.byteLength;
    if (bytes.byteLength - from > MAX_OBJECT_BYTES)
      throw damaged(file, `the object at byte ${base + from} is over ${MAX_OBJECT_BYTES} bytes long`);
    kept = bytes.subarray(from);
    base += from;
    if (start >= 0) start = 0;
  };
  const end = (): void => {
    if (!complete || depth !== 0 || inString) throw damaged(file, 'it ends too early');
  };
  return { push, end };
}

function damaged(file: string, problem: string, cause?: unknown): ProsamError {
  return new ProsamError('DATASET_INVALID', `${file}: expected one JSON object, but ${problem}. Copy or unpack the file again.`, { cause });
}
