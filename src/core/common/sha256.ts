/** sha256 where Node's own module is not at hand. */
import { ProsamError } from './errors.ts';
import { joinedBytes } from './joined.ts';

/** SHA-256 of all parts, one after the other. -> 64 lowercase hexadecimal digits. @throws DEVICE_UNAVAILABLE on a page without https */
export async function sha256Hex(...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const pieces = parts.map((part) => (typeof part === 'string' ? new TextEncoder().encode(part) : part));
  const digest = await subtle().digest('SHA-256', pieces.length === 1 ? wholeBuffer(pieces[0] as Uint8Array) : joinedBytes(pieces));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Browsers keep it from pages that anyone on the way could have changed. */
function subtle(): typeof globalThis.crypto.subtle {
  const found = (globalThis.crypto as Partial<typeof globalThis.crypto> | undefined)?.subtle;
  if (found) return found;
  throw new ProsamError(
    'DEVICE_UNAVAILABLE',
    'expected the Web Crypto API, which browsers offer to secure pages only. Serve the page over https, or from localhost.',
  );
}

/** Memory shared between threads cannot be hashed in place. */
function wholeBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
