/** Base64 as bytes of ASCII, which go into a message as they are: a text of a hundred megabytes would have to be copied first. */
import { PAUSE_AFTER, type Steps } from '../../../mask/cooperative.ts';

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = '='.charCodeAt(0);

/** Length of `length` bytes in base64. */
export function base64Length(length: number): number {
  return 4 * Math.ceil(length / 3);
}

/** Writes the bytes into `out` from `at` on, padded. -> the place behind them */
export function* base64Steps(bytes: Uint8Array, out: Uint8Array, at = 0): Steps<number> {
  const whole = bytes.length - (bytes.length % 3);
  for (let i = 0; i < whole;) {
    const end = Math.min(whole, i + 3 * PAUSE_AFTER);
    for (; i < end; i += 3) {
      const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
      out[at++] = ALPHABET[group >> 18] as number;
      out[at++] = ALPHABET[(group >> 12) & 63] as number;
      out[at++] = ALPHABET[(group >> 6) & 63] as number;
      out[at++] = ALPHABET[group & 63] as number;
    }
    yield;
  }
  if (whole === bytes.length) return at;
  const [first = 0, second = 0] = bytes.subarray(whole);
  const group = (first << 16) | (second << 8);
  out[at++] = ALPHABET[group >> 18] as number;
  out[at++] = ALPHABET[(group >> 12) & 63] as number;
  out[at++] = bytes.length - whole === 2 ? (ALPHABET[(group >> 6) & 63] as number) : PADDING;
  out[at++] = PADDING;
  return at;
}
