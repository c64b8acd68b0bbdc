/**
 * Calls to one configured server: credentials, time limits, retries, bounded responses, and errors people can act on.
 * Credentials go to the configured origin alone, and no redirect is followed.
 */
import type { z } from 'zod';
import { isWorthRepeating, NO_ANSWER, pauseMs, withRetry } from '../../core/common/retry.ts';
import { isProsamError, ProsamError } from '../../core/common/errors.ts';
import { connectionReason } from './outbound-failure.ts';
import { discardBody, jsonOf, MAX_ERROR_BYTES, OutboundError, readBody, refusalOf } from './outbound-response.ts';
import type { OutboundCredentials, OutboundFetch, OutboundResponse, ServerDialect } from './outbound-types.ts';

export interface OutboundOptions {
  /** Base address, without a slash at its end. */
  url: string;
  dialect: ServerDialect;
  credentials?: OutboundCredentials | undefined;
  /** Sent with every call. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** @default the system's fetch */
  fetch?: OutboundFetch | undefined;
  /** For one try. @default 30,000 */
  timeoutMs?: number | undefined;
  /** Tries of a call that may be repeated, the first one included. @default 4 */
  attempts?: number | undefined;
  /** Before the second try; doubled before each further one. @default 300 */
  backoffMs?: number | undefined;
  /** Largest response, in bytes. @default 128 MiB */
  maxBytes?: number | undefined;
  /** 0..1 @default Math.random */
  random?: (() => number) | undefined;
}

export interface OutboundCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the base address, beginning with a slash. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean>> | undefined;
  json?: unknown;
  form?: FormData | undefined;
  /** JSON that is written already. */
  body?: Uint8Array | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Whether doing it twice is the same as once. @default GET and DELETE only */
  repeatable?: boolean | undefined;
  /** For one try; 0: no limit. @default the client's, none for streams */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Each rejects with an OutboundError, another error of the dialect's codes, URL_REFUSED, or the reason of the call's signal. */
export interface Outbound {
  json<T>(call: OutboundCall, schema: z.ZodType<T>): Promise<T>;
  bytes(call: OutboundCall): Promise<Uint8Array>;
  /** For responses that are not read. */
  done(call: OutboundCall): Promise<void>;
  /** The body as it comes, without a limit of size; a limit of time ends with the headers. */
  stream(call: OutboundCall): Promise<AsyncIterable<Uint8Array>>;
}

/** State of a call over its tries. */
interface Attempt {
  /** The next try asks for new credentials. */
  renew: boolean;
  /** No credentials could be had. */
  unproved: boolean;
}

export function createOutbound(options: OutboundOptions): Outbound {
  const { url, dialect, credentials, timeoutMs = 30_000, attempts = 4, backoffMs = 300, maxBytes = 2 ** 27, random } = options;
  const send: OutboundFetch = options.fetch ?? ((address, init) => fetch(address, init));
  const where = ({ method, path }: OutboundCall): string => `${method} ${path}`;

  async function once<T>(call: OutboundCall, attempt: Attempt, read: (response: OutboundResponse) => Promise<T>): Promise<T> {
    const address = addressOf(url, call, dialect);
    const limitMs = call.timeoutMs ?? timeoutMs;
    const late = new AbortController();
    const timer = limitMs === 0 ? undefined : setTimeout(() => late.abort(new Error('it took too long')), limitMs);
    const signal = call.signal ? AbortSignal.any([call.signal, late.signal]) : late.signal;
    try {
      const proof = await credentials?.headers({ renew: attempt.renew, signal }).catch((error: unknown) => {
        attempt.unproved = isProsamError(error);
        throw error;
      });
      signal.throwIfAborted();
      const response = await send(address, {
        method: call.method,
        headers: {
          accept: 'application/json',
          ...options.headers,
          ...call.headers,
          ...((call.json !== undefined || call.body) && { 'content-type': 'application/json' }),
          ...proof,
        },
        ...(call.json !== undefined && { body: JSON.stringify(call.json) }),
        ...(call.form && { body: call.form }),
        ...(call.body && { body: call.body }),
        redirect: 'manual',
        signal,
      });
      if (response.status >= 200 && response.status < 300) return await read(response);
      const said = await readBody(response, { maxBytes: MAX_ERROR_BYTES, cut: true }).catch(() => new Uint8Array());
      throw refusalOf(response, { where: where(call), dialect, json: jsonOf(said), from: new URL(address) });
    } catch (error) {
      call.signal?.throwIfAborted();
      if (isProsamError(error)) throw error;
      const why = late.signal.aborted ? `no answer within ${limitMs / 1000} s` : connectionReason(error);
      const message = `${where(call)}: expected an answer of ${dialect.name}, got none: ${why}. Check that ${url} can be reached from here.`;
      throw new OutboundError(dialect.failed, message, { answered: NO_ANSWER, cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  function repeated<T>(call: OutboundCall, read: (response: OutboundResponse) => Promise<T>): Promise<T> {
    const repeatable = call.repeatable ?? (call.method === 'GET' || call.method === 'DELETE');
    const attempt: Attempt = { renew: false, unproved: false };
    let renewed = false;
    const pauseAfter = (error: unknown, tried: number): number | undefined => {
      // Asking for credentials has tries of its own.
      if (!(error instanceof OutboundError) || attempt.unproved || tried >= attempts) return undefined;
      // They may have been withdrawn before their time: others are asked for once.
      attempt.renew = error.answered === 401 && !renewed && credentials?.renewable === true;
      if (attempt.renew) {
        renewed = true;
        return 0;
      }
      const failure = { status: error.answered, retryAfterMs: error.retryAfterMs };
      return isWorthRepeating(failure, { repeatable }) ? pauseMs(tried, failure, { firstMs: backoffMs, random }) : undefined;
    };
    return withRetry(() => once(call, attempt, read), { pauseAfter, signal: call.signal });
  }

  const tooLarge = (): ProsamError =>
    new ProsamError(dialect.failed, `expected an answer of at most ${maxBytes} bytes, got more. Ask for less at a time.`);
  const whole = (response: OutboundResponse): Promise<Uint8Array> => readBody(response, { maxBytes, tooLarge });
  return {
    json: (call, schema) => repeated(call, async (response) => parsed(schema, await whole(response), where(call), dialect)),
    bytes: (call) => repeated(call, whole),
    done: (call) => repeated(call, discardBody),
    stream: (call) => repeated({ timeoutMs: 0, ...call }, (response) => Promise.resolve(response.body ?? nothing())),
  };
}

/** @throws the dialect's failed for a path that leads away from the configured origin, where no credentials may go */
function addressOf(url: string, { path, query = {} }: OutboundCall, { failed }: ServerDialect): string {
  const address = new URL(`${url}${path}`);
  if (!path.startsWith('/') || address.origin !== new URL(url).origin)
    throw new ProsamError(failed, `expected a path below ${url}, got one that leads elsewhere. Begin it with a slash.`);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, String(value));
  return address.href;
}

function parsed<T>(schema: z.ZodType<T>, bytes: Uint8Array, where: string, { name, versions, failed }: ServerDialect): T {
  const json = jsonOf(bytes);
  if (json === undefined)
    throw new ProsamError(failed, `${where}: expected JSON, got something else. Check that this is the address of ${name}.`);
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ProsamError(
    failed,
    `${where}: expected an answer of ${name} ${versions}, got one that differs at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`,
  );
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // Nothing came.
}
