/** Watches the bytes of a JSON text go by, and stops it before it could become work that holds up everybody else. */
import { ProsamError } from '../../../core/common/errors.ts';
import { createJsonScan, JSON_TOKEN } from '../../../core/common/json-scan.ts';

export interface JsonLimits {
  /** Bytes of the whole text. Files of multipart forms do not count. @default 24 MiB */
  bytes: number;
  /** Commas count one, colons and opening brackets two: about so many numbers, or a quarter as many pairs. @default 100,000 */
  parts: number;
  /** Brackets inside brackets. @default 64 */
  depth: number;
  /** All but long strings without backslashes (64 KiB and more: images in base64). @default 6 MiB */
  otherBytes: number;
}

/** A string without escapes that is long enough to be worth leaving out of what is parsed. */
export interface LongString {
  /** Range of its content in the text: first byte, and the one after the last. */
  start: number;
  end: number;
}

const LONG_BYTES = 2 ** 16;

export interface JsonWatch {
  /** The next bytes of the text. @throws REQUEST_TOO_LARGE at what is too much */
  readonly see: (bytes: Uint8Array) => void;
  /** In the order they came. */
  readonly longStrings: readonly LongString[];
}

/** Measured: each limit alone keeps parsing and checking a body below 50 ms a turn on one slow core. */
export const DEFAULT_JSON_LIMITS: JsonLimits = {
  bytes: 24 * 2 ** 20,
  parts: 100_000,
  depth: 64,
  otherBytes: 6 * 2 ** 20,
};

/** Takes a text piece by piece, in order. Says nothing about whether the text is JSON. */
export function createJsonWatch(limits: JsonLimits = DEFAULT_JSON_LIMITS): JsonWatch {
  const longStrings: LongString[] = [];
  const scan = createJsonScan();
  let bytesSeen = 0;
  let parts = 0;
  let depth = 0;
  let longBytes = 0;

  const endString = (): void => {
    const range = { start: scan.stringStart(), end: scan.at() };
    if (!scan.isPlain() || range.end - range.start < LONG_BYTES) return;
    longStrings.push(range);
    longBytes += range.end - range.start;
  };
  const see = (bytes: Uint8Array): void => {
    bytesSeen += bytes.length;
    if (bytesSeen > limits.bytes) throw tooMuch(`${limits.bytes} bytes`, 'Send images as files of a multipart form');
    scan.feed(bytes);
    for (let token = scan.next(); token !== undefined; token = scan.next()) {
      if (token === JSON_TOKEN.string) endString();
      else if (token === JSON_TOKEN.comma) parts += 1;
      else if (token === JSON_TOKEN.colon) parts += 2;
      else if (token === JSON_TOKEN.openList || token === JSON_TOKEN.openObject) {
        parts += 2;
        depth += 1;
        if (depth > limits.depth) throw tooMuch(`${limits.depth} brackets inside each other`, 'Send it flatter');
      } else depth -= 1;
      if (parts > limits.parts)
        throw tooMuch(`${limits.parts} parts (numbers, keys, lists)`, 'Send masks as compressed RLE, or in several requests');
    }
    const unfinished = scan.inString() && scan.isPlain() ? bytesSeen - scan.stringStart() : 0;
    if (bytesSeen - longBytes - (unfinished >= LONG_BYTES ? unfinished : 0) > limits.otherBytes) {
      throw tooMuch(`${limits.otherBytes} bytes besides images in base64`, 'Send less at a time, and base64 without backslashes');
    }
  };
  return { see, longStrings };
}

function tooMuch(limit: string, advice: string): ProsamError {
  return new ProsamError('REQUEST_TOO_LARGE', `The JSON of the request has more than ${limit}. ${advice}.`);
}
