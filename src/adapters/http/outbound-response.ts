/** Responses of outbound calls: bodies read within bounds, and refusals turned into errors. */
import { retryAfterMs } from '../../core/common/retry.ts';
import { ProsamError, type ErrorCode } from '../../core/common/errors.ts';
import { redirectTarget } from './outbound-failure.ts';
import type { OutboundResponse, ServerDialect } from './outbound-types.ts';

/** Most that is read of an error's body, in bytes. */
export const MAX_ERROR_BYTES = 64 * 1024;
/** Most of a server's own words in a message, in characters. */
const MAX_DETAIL = 400;

/** A call that failed. answered: HTTP status; 0 where no answer came, so that the call may have been carried out or not. */
export class OutboundError extends ProsamError {
  readonly answered: number;
  /** A 404 of the server itself, not of a proxy before it. */
  readonly ownMissing: boolean;
  constructor(
    code: ErrorCode,
    message: string,
    { answered, ownMissing = false, ...options }: ErrorOptions & { answered: number; ownMissing?: boolean; retryAfterMs?: number },
  ) {
    super(code, message, options);
    this.answered = answered;
    this.ownMissing = ownMissing;
  }
}

export interface BodyBound {
  maxBytes: number;
  /** End at the bound instead of failing. @default false */
  cut?: boolean;
  tooLarge?: () => Error;
}

/** The whole body. Leaving the loop early ends the transfer. @throws tooLarge() */
export async function readBody(response: OutboundResponse, { maxBytes, cut = false, tooLarge }: BodyBound): Promise<Uint8Array> {
  const fail = (): Error => tooLarge?.() ?? new Error(`expected at most ${maxBytes} bytes, got more`);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > maxBytes && !cut) throw fail();
    pieces.push(piece);
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(pieces);
}

/** Lets the connection be used again where little is left to read, and ends it where much is. */
export async function discardBody(response: OutboundResponse): Promise<void> {
  await readBody(response, { maxBytes: MAX_ERROR_BYTES, cut: true });
}

/** Ends the transfer of a body that is not read. */
export async function endBody({ body }: OutboundResponse): Promise<void> {
  await body?.[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined);
}

/** undefined for bytes that are no JSON. */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

export interface Refused {
  /** Method and path. */
  where: string;
  dialect: ServerDialect;
  /** JSON of the body; undefined where it was none. */
  json: unknown;
  /** Address of the call. */
  from: URL;
}

/** Error of a response that is no success. Names the server's own words, never the request's. */
export function refusalOf({ status, headers }: OutboundResponse, { where, dialect, json, from }: Refused): OutboundError {
  const { name, failed, refused, advice, detailOf, isOwnMissing } = dialect;
  const detail = json === undefined ? '' : detailOf(json).slice(0, MAX_DETAIL).replace(/\.+$/, '');
  const said = detail === '' ? `${status}` : `${status}: ${detail}`;
  const todo = advice[status];
  const ends = todo === undefined ? '.' : `. ${todo}`;
  const facts = { answered: status, ownMissing: status === 404 && json !== undefined && isOwnMissing?.(json) === true };
  if (status === 401) return new OutboundError(refused, `${where}: expected ${name} to accept the credentials, got ${said}${ends}`, facts);
  if (status === 403) return new OutboundError(refused, `${where}: expected ${name} to allow this, got ${said}${ends}`, facts);
  const target = redirectTarget(status, headers.get('location'), from);
  if (target !== undefined) {
    const to = target === null ? 'nowhere' : target.origin;
    // Credentials are never carried to where a redirect points.
    return new OutboundError(
      failed,
      `${where}: expected an answer, got ${status}: ${name} redirects to ${to}. Configure its final address.`,
      facts,
    );
  }
  const again = retryAfterMs(headers.get('retry-after'));
  const message = `${where}: expected success, ${name} answered ${said}${ends}`;
  return new OutboundError(failed, message, { ...facts, ...(again !== undefined && { retryAfterMs: again }) });
}
