/** Signed bodies: HMAC-SHA256 over `timestamp.body`, good for a few minutes and only once. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProsamError } from '../../core/common/errors.ts';

export const SIGNATURE_HEADER = 'x-prosam-signature';

/** Tolerated clock skew of a signer, in either direction. */
export const DEFAULT_TOLERANCE_MS = 300_000;

/** Hashed before the event loop gets a turn. */
const SLICE_BYTES = 2 ** 20;
const HEADER = /^t=(\d{1,16}),v1=([0-9a-f]{64})$/;
const USED = 'it was used before; sign each request anew';

/** Signatures that were used, kept as long as they would still be accepted. */
export interface ReplayMemory {
  /** Whether it was used before. */
  has(signature: string, nowMs: number): boolean;
  /** False where it was used before. @throws CLIENT_BUSY where no more can be kept */
  use(signature: string, nowMs: number, keepUntilMs: number): boolean;
}

/** One process's memory; entries: signatures kept at the same time, each 64 characters. */
export function createReplayMemory(entries = 100_000): ReplayMemory {
  const seen = new Map<string, number>();
  const has = (signature: string, nowMs: number): boolean => (seen.get(signature) ?? -1) >= nowMs;
  return {
    has,
    use(signature, nowMs, keepUntilMs) {
      if (has(signature, nowMs)) return false;
      if (seen.size >= entries) {
        for (const [old, until] of seen) if (until < nowMs) seen.delete(old);
      }
      // Forgetting one that still counts would let it be used again.
      if (seen.size >= entries) {
        throw new ProsamError('CLIENT_BUSY', `More than ${entries} signed requests arrived within minutes. Send fewer, or use a token.`, {
          retryAfterMs: 60_000,
        });
      }
      seen.set(signature, keepUntilMs);
      return true;
    },
  };
}

/**
 * Value of the X-Prosam-Signature header: `t=<milliseconds since 1970>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.
 * The body's bytes as they are sent.
 */
export function signBody(secret: string, body: string | Uint8Array, timestampMs: number): string {
  return `t=${timestampMs},v1=${createHmac('sha256', secret).update(`${timestampMs}.`).update(body).digest('hex')}`;
}

export interface VerifyOptions {
  nowMs: number;
  /** @default 300,000 */
  toleranceMs?: number;
  /** Without one a signature can be used until its time is over. */
  replays?: ReplayMemory;
}

/**
 * All that the header alone can tell: its form, its time, and that it was not used before. Costs nothing, so it comes before any body.
 * @throws UNAUTHORIZED for a missing, malformed, stale or used one
 */
export function checkSignatureHeader(
  header: string | undefined,
  { nowMs, toleranceMs = DEFAULT_TOLERANCE_MS, replays }: VerifyOptions,
): { timestamp: string; given: string } {
  const [, timestamp, given] = HEADER.exec(header ?? '') ?? [];
  if (timestamp === undefined || given === undefined) throw refused('expected t=<milliseconds>,v1=<64 hex digits>, got something else');
  const offMs = Math.abs(nowMs - Number(timestamp));
  if (offMs > toleranceMs) {
    throw refused(`its time is ${Math.round(offMs / 1000)} s off, at most ${toleranceMs / 1000} s are accepted; t is in milliseconds`);
  }
  if (replays?.has(given, nowMs) === true) throw refused(USED);
  return { timestamp, given };
}

/**
 * Resolves where `header` is a fresh signature of `body` made with one of the secrets, to that secret's place in the list.
 * All secrets are tried, so that the time taken says nothing. Large bodies give the event loop its turns.
 * @throws UNAUTHORIZED for a missing, malformed, wrong, stale or used one
 */
export async function verifySignature(
  secrets: readonly string[],
  header: string | undefined,
  body: string | Uint8Array,
  options: VerifyOptions,
): Promise<number> {
  const { nowMs, toleranceMs = DEFAULT_TOLERANCE_MS, replays } = options;
  const { timestamp, given } = checkSignatureHeader(header, options);
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  let match = -1;
  for (const [index, secret] of secrets.entries()) {
    const expected = await digest(secret, timestamp, bytes);
    if (timingSafeEqual(expected, Buffer.from(given, 'hex'))) match = index;
  }
  if (match < 0) throw refused('it does not belong to these bytes and any known secret');
  if (replays && !replays.use(given, nowMs, Number(timestamp) + toleranceMs)) throw refused(USED);
  return match;
}

async function digest(secret: string, timestamp: string, body: Uint8Array): Promise<Buffer> {
  const hmac = createHmac('sha256', secret).update(`${timestamp}.`);
  for (let start = 0; start < body.byteLength; start += SLICE_BYTES) {
    if (start > 0) await nextTurn();
    hmac.update(body.subarray(start, start + SLICE_BYTES));
  }
  return hmac.digest();
}

function refused(why: string): ProsamError {
  return new ProsamError('UNAUTHORIZED', `The signature of the request is refused: ${why}.`);
}
