/** Verification of callbacks for those who receive them: from the service, fresh, and not used before. */
import { ProsamClientError } from './client-error.ts';
import type { Callback } from './types/predictions.ts';

/** The header that carries the signature. */
export const CALLBACK_SIGNATURE_HEADER = 'x-prosam-signature';
/** The header that carries the delivery's id: a delivery may arrive more than once, under the same id. */
export const CALLBACK_DELIVERY_HEADER = 'x-prosam-delivery';

/** Signatures that were used. */
export interface CallbackMemory {
  /** False where it was used before. keepUntilMs: since 1970; after that it would be refused for its age. */
  use(signature: string, nowMs: number, keepUntilMs: number): boolean | Promise<boolean>;
}

/** Memory of this process alone; several receivers need a shared one. */
export function createCallbackMemory(): CallbackMemory {
  const used = new Map<string, number>();
  return {
    use(signature, nowMs, keepUntilMs) {
      // In the order they came, and so about in the order they end.
      for (const [old, until] of used) {
        if (until >= nowMs) break;
        used.delete(old);
      }
      if (used.has(signature)) return false;
      used.set(signature, keepUntilMs);
      return true;
    },
  };
}

export interface VerifyCallbackOptions {
  /** Refuses what was used before; without one it can be used again until its time is over. */
  seen?: CallbackMemory;
  /** Largest difference of the clocks, in milliseconds. @default 300,000 */
  toleranceMs?: number;
  /** Milliseconds since 1970. @default Date.now() */
  nowMs?: number;
}

/**
 * Verifies a callback and resolves to its content. body: the bytes as they came, before any parsing. header: value of X-Prosam-Signature.
 * @throws ProsamClientError with code CALLBACK_REFUSED: answer 401 and use nothing of it
 */
export async function verifyCallback(
  body: string | Uint8Array,
  header: string | null | undefined,
  secret: string,
  { seen, toleranceMs = 300_000, nowMs = Date.now() }: VerifyCallbackOptions = {},
): Promise<Callback> {
  const [, timestamp, signature] = /^t=(\d{1,16}),v1=([0-9a-f]{64})$/.exec(header ?? '') ?? [];
  if (timestamp === undefined || signature === undefined) throw refused('its signature is missing or malformed');
  if (Math.abs(nowMs - Number(timestamp)) > toleranceMs) throw refused('it is too old, or the clocks differ');
  const encoder = new TextEncoder();
  const bytes = typeof body === 'string' ? encoder.encode(body) : body;
  const start = encoder.encode(`${timestamp}.`);
  const signed = new Uint8Array(start.length + bytes.length);
  signed.set(start);
  signed.set(bytes, start.length);
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  // Compares in constant time.
  if (!(await crypto.subtle.verify('HMAC', key, bytesOfHex(signature), signed)))
    throw refused('its signature does not belong to these bytes and this secret');
  if (seen && !(await seen.use(signature, nowMs, Number(timestamp) + toleranceMs))) throw refused('it was used before');
  return JSON.parse(new TextDecoder().decode(bytes)) as Callback;
}

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

function refused(why: string): ProsamClientError {
  return new ProsamClientError({ code: 'CALLBACK_REFUSED', message: `The callback is refused: ${why}.` });
}
