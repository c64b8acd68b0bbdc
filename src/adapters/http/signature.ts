/**
 * Signed requests: HMAC-SHA256, good for a few minutes and only once. v2 covers time, method, path and body; v1 time and body alone, as
 * callbacks and some tools sign.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProsamError } from '../../core/common/errors.ts';

export const SIGNATURE_HEADER = 'x-prosam-signature';

/** Tolerated clock skew of a signer, in either direction. */
export const DEFAULT_TOLERANCE_MS = 300_000;

/** Hashed before the event loop gets a turn. */
const SLICE_BYTES = 2 ** 20;
const HEADER = /^t=(\d{1,16}),(v1|v2)=([0-9a-f]{64})$/;
const USED = 'it was used before; sign each request anew';

/** Signatures that were used, kept as long as they would still be accepted. */
export interface ReplayMemory {
  /** Whether it was used before, as far as this process knows. */
  has(signature: string, nowMs: number): boolean;
  /** False where it was used before, here or elsewhere. @throws CLIENT_BUSY where no more can be kept */
  use(signature: string, nowMs: number, keepUntilMs: number): Promise<boolean>;
}

/** Request line that a v2 signature covers. */
export interface RequestLine {
  /** GET, POST, ... */
  method: string;
  /** Path and query as they are sent, below the address of the service: '/v1/status?project=cups'. */
  path: string;
}

/** A signature as it is written in the header. */
export interface SignatureParts {
  version: 'v1' | 'v2';
  /** Milliseconds since 1970. */
  timestamp: string;
  /** Hexadecimal digits. */
  given: string;
}

/** One process's memory; entries: signatures kept at the same time, each 64 characters. */
export function createReplayMemory(entries = 100_000): ReplayMemory {
  const seen = new Map<string, number>();
  const has = (signature: string, nowMs: number): boolean => (seen.get(signature) ?? -1) >= nowMs;
  return {
    has,
    // Rejects, where callers wait for a promise.
    // eslint-disable-next-line @typescript-eslint/require-await
    async use(signature, nowMs, keepUntilMs) {
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

/** The same over what all processes share: first asked here, then there. used: false where it was used before. */
export function sharedReplayMemory(
  used: (signature: string, times: { nowMs: number; keepUntilMs: number }) => Promise<boolean>,
): ReplayMemory {
  const own = createReplayMemory();
  return {
    has: (signature, nowMs) => own.has(signature, nowMs),
    use: async (signature, nowMs, keepUntilMs) => (await own.use(signature, nowMs, keepUntilMs)) && used(signature, { nowMs, keepUntilMs }),
  };
}

/**
 * Value of the X-Prosam-Signature header: `t=<milliseconds since 1970>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.
 * The body's bytes as they are sent.
 */
export function signBody(secret: string, body: string | Uint8Array, timestampMs: number): string {
  return `t=${timestampMs},v1=${createHmac('sha256', secret).update(`${timestampMs}.`).update(body).digest('hex')}`;
}

/**
 * Value of the X-Prosam-Signature header of a request: `t=<milliseconds since 1970>,v2=<hex HMAC-SHA256>` over
 * `<t>\n<METHOD>\n<path and query>\n<body>`. None of the first three can hold a line feed, so nothing can be moved from one to the next.
 * The body's bytes as they are sent; '' for none.
 */
export function signRequest(secret: string, line: RequestLine, body: string | Uint8Array, timestampMs: number): string {
  const head = headOf({ version: 'v2', timestamp: String(timestampMs) }, line);
  return `t=${timestampMs},v2=${createHmac('sha256', secret).update(head).update(body).digest('hex')}`;
}

/** Bytes in front of the body. */
function headOf({ version, timestamp }: Omit<SignatureParts, 'given'>, line: RequestLine | undefined): string {
  return version === 'v1' ? `${timestamp}.` : `${timestamp}\n${line?.method.toUpperCase()}\n${line?.path}\n`;
}

export interface VerifyOptions {
  nowMs: number;
  /** @default 300,000 */
  toleranceMs?: number;
  /** The request that came; without it v1 alone is accepted. */
  line?: RequestLine;
  /** Without one a signature can be used until its time is over. */
  replays?: ReplayMemory;
}

/**
 * All that the header alone can tell: its form, its time, and that it was not used before. Costs nothing, so it comes before any body.
 * @throws UNAUTHORIZED for a missing, malformed, stale or used one
 */
export function checkSignatureHeader(
  header: string | undefined,
  { nowMs, toleranceMs = DEFAULT_TOLERANCE_MS, replays, line }: VerifyOptions,
): SignatureParts {
  const [, timestamp, version, given] = HEADER.exec(header ?? '') ?? [];
  if (timestamp === undefined || given === undefined || (version === 'v2' && line === undefined))
    throw refused(`expected t=<milliseconds>,${line ? 'v2' : 'v1'}=<64 hex digits>, got something else`);
  const offMs = Math.abs(nowMs - Number(timestamp));
  if (offMs > toleranceMs) {
    throw refused(`its time is ${Math.round(offMs / 1000)} s off, at most ${toleranceMs / 1000} s are accepted; t is in milliseconds`);
  }
  if (replays?.has(given, nowMs) === true) throw refused(USED);
  return { version: version as SignatureParts['version'], timestamp, given };
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
  const { nowMs, toleranceMs = DEFAULT_TOLERANCE_MS, replays, line } = options;
  const { version, timestamp, given } = checkSignatureHeader(header, options);
  const head = headOf({ version, timestamp }, line);
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  let match = -1;
  for (const [index, secret] of secrets.entries()) {
    const expected = await digest(secret, head, bytes);
    if (timingSafeEqual(expected, Buffer.from(given, 'hex'))) match = index;
  }
  if (match < 0) throw refused(`it does not belong to these bytes${version === 'v2' ? ', this method and path' : ''} and any known secret`);
  if (replays && !(await replays.use(given, nowMs, Number(timestamp) + toleranceMs))) throw refused(USED);
  return match;
}

async function digest(secret: string, head: string, body: Uint8Array): Promise<Buffer> {
  const hmac = createHmac('sha256', secret).update(head);
  for (let start = 0; start < body.byteLength; start += SLICE_BYTES) {
    if (start > 0) await nextTurn();
    hmac.update(body.subarray(start, start + SLICE_BYTES));
  }
  return hmac.digest();
}

function refused(why: string): ProsamError {
  return new ProsamError('UNAUTHORIZED', `The signature of the request is refused: ${why}.`);
}
