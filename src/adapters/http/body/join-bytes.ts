/** Pieces of bytes put together, or looked through, without keeping the event loop from others. */
import { isUtf8 } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Bytes copied or read before the event loop gets a turn. */
const SLICE_BYTES = 8 * 2 ** 20;

export async function joinBytes(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  let sincePause = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
    sincePause += piece.byteLength;
    if (sincePause < SLICE_BYTES) continue;
    sincePause = 0;
    await nextTurn();
  }
  return whole;
}

/** Whether the bytes are UTF-8; cut between two letters, wherever that is. */
export async function isUtf8Text(bytes: Uint8Array): Promise<boolean> {
  for (let start = 0; start < bytes.length;) {
    let end = Math.min(bytes.length, start + SLICE_BYTES);
    // A letter takes four bytes at most: more of the kind that continues one is not UTF-8, and found to be so.
    for (let back = 0; back < 3 && end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80; back++) end--;
    if (!isUtf8(bytes.subarray(start, end))) return false;
    start = end;
    if (start < bytes.length) await nextTurn();
  }
  return true;
}
