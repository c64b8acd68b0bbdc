/** The names of blobs. */
import { createHash, webcrypto } from 'node:crypto';
import { ProsamError } from '../../core/common/errors.ts';

/** Up to here hashing takes about a millisecond; more is hashed on another thread. */
const SMALL_BYTES = 1 << 20;

/** Lower case hex. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  if (bytes.byteLength <= SMALL_BYTES) return createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

/** Everything else is no name of a blob, and no path. */
export function isHash(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

export function damaged(place: string): ProsamError {
  return new ProsamError(
    'BLOB_DAMAGED',
    `expected the bytes that ${place} is named by, got others. Restore it from a backup; the disk may be failing.`,
  );
}
