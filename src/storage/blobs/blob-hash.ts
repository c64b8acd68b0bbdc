/** The names of blobs. */
import { createHash, webcrypto } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { ProsamError } from '../../core/common/errors.ts';

/** Up to here hashing takes about a millisecond; more is hashed on another thread. */
const SMALL_BYTES = 1 << 20;

/** Lower case hex. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  if (bytes.byteLength <= SMALL_BYTES) return createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

/** Bytes hashed between two pauses: some milliseconds of work. */
const SLICE = 4 << 20;

/** Lower case hex: what S3 calls the tag of an object that came in one piece. */
export async function md5Of(bytes: Uint8Array): Promise<string> {
  const hash = createHash('md5');
  for (let at = 0; at < bytes.byteLength; at += SLICE) {
    if (at > 0) await turn();
    hash.update(bytes.subarray(at, at + SLICE));
  }
  return hash.digest('hex');
}

/** Everything else is no name of a blob, and no path. */
export function isHash(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** code: what the disk said, where it gave no bytes at all. */
export function damaged(place: string, code?: string, cause?: unknown): ProsamError {
  return new ProsamError(
    'BLOB_DAMAGED',
    `expected the bytes that ${place} is named by, got ${code ?? 'others'}. Send them again or restore them from a backup; the disk may be failing.`,
    { cause },
  );
}
