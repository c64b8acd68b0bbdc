/** Watches the bytes of a JSON text go by, and stops it before it could become work that holds up everybody else. */
import { ProsamError } from '../../../core/common/errors.ts';

export interface JsonLimits {
  /** Bytes of the whole text. Files of multipart forms do not count. @default 24 MiB */
  bytes: number;
  /** Commas count one, colons and opening brackets two: about so many numbers, or a quarter as many pairs. @default 100,000 */
  parts: number;
  /** Brackets inside brackets. @default 64 */
  depth: number;
  /** All but long strings without backslashes (64 KiB and more: pictures in base64). @default 6 MiB */
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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Takes a text piece by piece, in order. Strings are skipped by the native search, so that a picture in base64 costs next to
 * nothing. Says nothing about whether the text is JSON.
 */
export function createJsonWatch(limits: JsonLimits = DEFAULT_JSON_LIMITS): JsonWatch {
  const longStrings: LongString[] = [];
  let bytesSeen = 0;
  let start = 0;
  let plain = true;
  let inString = false;
  let escaped = false;
  let parts = 0;
  let depth = 0;
  let longBytes = 0;

  const see = (bytes: Uint8Array): void => {
    const offset = bytesSeen;
    bytesSeen += bytes.length;
    if (bytesSeen > limits.bytes) throw tooMuch(`${limits.bytes} bytes`, 'Send images as files of a multipart form');
    const endOrEscape = createSearch(bytes);
    let at = 0;
    while (at < bytes.length) {
      if (escaped) {
        escaped = false;
        at += 1;
        continue;
      }
      if (inString) {
        const stop = endOrEscape(at);
        at = stop + 1;
        if (bytes[stop] === BACKSLASH) {
          escaped = true;
          plain = false;
        } else if (bytes[stop] === QUOTE) {
          inString = false;
          const end = offset + stop;
          if (plain && end - start >= LONG_BYTES) {
            longStrings.push({ start, end });
            longBytes += end - start;
          }
        }
        continue;
      }
      const byte = bytes[at] as number;
      at += 1;
      if (byte === QUOTE) {
        inString = true;
        plain = true;
        start = offset + at;
      } else if (byte === COMMA) parts += 1;
      else if (byte === COLON) parts += 2;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        parts += 2;
        depth += 1;
        if (depth > limits.depth) throw tooMuch(`${limits.depth} brackets inside each other`, 'Send it flatter');
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
      if (parts > limits.parts)
        throw tooMuch(`${limits.parts} parts (numbers, keys, lists)`, 'Send masks as compressed RLE, or in several requests');
    }
    const unfinished = inString && plain ? bytesSeen - start : 0;
    if (bytesSeen - longBytes - (unfinished >= LONG_BYTES ? unfinished : 0) > limits.otherBytes) {
      throw tooMuch(`${limits.otherBytes} bytes besides pictures in base64`, 'Send less at a time, and base64 without backslashes');
    }
  };
  return { see, longStrings };
}

/** Finds the next quote or backslash at or after a place that only grows; the length where there is none. */
function createSearch(bytes: Uint8Array): (from: number) => number {
  let quote = -1;
  let backslash = -1;
  return (from) => {
    // Where they are dense a loop is faster, where they are far apart the native search.
    const near = Math.min(from + 64, bytes.length);
    for (let at = from; at < near; at++) if (bytes[at] === QUOTE || bytes[at] === BACKSLASH) return at;
    // Searched again only once passed, so that nothing is read more than twice.
    if (quote < near) quote = orEnd(bytes.indexOf(QUOTE, near), bytes.length);
    if (backslash < near) backslash = orEnd(bytes.indexOf(BACKSLASH, near), bytes.length);
    return Math.min(quote, backslash);
  };
}

function orEnd(index: number, end: number): number {
  return index < 0 ? end : index;
}

function tooMuch(limit: string, advice: string): ProsamError {
  return new ProsamError('REQUEST_TOO_LARGE', `The JSON of the request has more than ${limit}. ${advice}.`);
}
