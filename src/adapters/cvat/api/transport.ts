/** Calls to one CVAT: credentials, time limits, repetitions, bounded answers, and errors people can act on. */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import type { CvatCredentials } from './credentials.ts';

/** The part of fetch that is used. */
export type CvatFetch = (url: string, init: CvatFetchInit) => Promise<CvatAnswer>;
export interface CvatFetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string;
  redirect: 'manual';
  signal: AbortSignal;
}
export interface CvatAnswer {
  status: number;
  headers: { get(name: string): string | null };
  body: AsyncIterable<Uint8Array> | null;
}

export interface CvatTransportOptions {
  /** Without a slash at its end. */
  url: string;
  credentials?: CvatCredentials | undefined;
  /** Short name of an organization, sent as X-Organization. */
  organization?: string | undefined;
  /** @default the system's fetch */
  fetch?: CvatFetch | undefined;
  /** For one attempt. @default 60,000 */
  timeoutMs?: number | undefined;
  /** Tries of a call that may be repeated, the first one included. @default 5 */
  attempts?: number | undefined;
  /** Before the second try; doubled before each further one. @default 400 */
  backoffMs?: number | undefined;
  /** Largest answer. @default 256 MiB */
  maxBytes?: number | undefined;
  /** 0..1 @default Math.random */
  random?: () => number;
}

export interface CvatCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the address of CVAT. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean>>;
  json?: unknown;
  /** Whether doing it twice is the same as once. @default only GET and DELETE */
  repeatable?: boolean;
  /** For one attempt; 0: no limit, for streams. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export interface CvatTransport {
  /** @throws CVAT_FAILED, CVAT_REFUSED; the reason of the call's signal */
  json<T>(call: CvatCall, schema: z.ZodType<T>): Promise<T>;
  bytes(call: CvatCall): Promise<Uint8Array>;
  /** Answers that nobody reads. */
  done(call: CvatCall): Promise<void>;
  /** The body as it comes, without a limit of time or size. */
  stream(call: CvatCall): Promise<AsyncIterable<Uint8Array>>;
}

/** What went wrong with one call. status 0: no answer came, so CVAT may have done it or not. */
export class CvatCallError extends ProsamError {
  readonly answered: number;
  constructor(code: 'CVAT_FAILED' | 'CVAT_REFUSED', message: string, answered: number, options?: ErrorOptions & { retryAfterMs?: number }) {
    super(code, message, options);
    this.answered = answered;
  }
}

const LONGEST_WAIT_MS = 30_000;
/** CVAT did nothing with the request. */
const NOT_TAKEN = new Set([429]);
const PASSING = new Set([0, 408, 429, 500, 502, 503, 504]);
const MOST_DETAIL = 400;

/** Whether the same call may work in a moment. */
export function isPassing(error: unknown): error is CvatCallError {
  return error instanceof CvatCallError && PASSING.has(error.answered);
}

export function createCvatTransport(options: CvatTransportOptions): CvatTransport {
  const {
    url,
    credentials,
    organization,
    timeoutMs = 60_000,
    attempts = 5,
    backoffMs = 400,
    maxBytes = 2 ** 28,
    random = Math.random,
  } = options;
  const send: CvatFetch = options.fetch ?? ((address, init) => fetch(address, init));

  async function once<T>(call: CvatCall, renew: boolean, read: (answer: CvatAnswer) => Promise<T>): Promise<T> {
    const limitMs = call.timeoutMs ?? timeoutMs;
    const late = limitMs > 0 ? AbortSignal.timeout(limitMs) : undefined;
    const signals = [call.signal, late].filter((one) => one !== undefined);
    const signal = AbortSignal.any(signals);
    const where = `${call.method} ${call.path}`;
    try {
      const proof = await credentials?.headers({ renew, signal });
      signal.throwIfAborted();
      const answer = await send(addressOf(url, call), {
        method: call.method,
        headers: {
          accept: 'application/vnd.cvat+json, application/json, */*;q=0.8',
          ...proof,
          ...(organization !== undefined && { 'x-organization': organization }),
          // Where a session's cookie proves who asks, Django compares this with its own address.
          ...(call.method !== 'GET' && { origin: new URL(url).origin, referer: `${url}/` }),
          ...(call.json !== undefined && { 'content-type': 'application/json' }),
        },
        ...(call.json !== undefined && { body: JSON.stringify(call.json) }),
        redirect: 'manual',
        signal,
      });
      if (answer.status >= 200 && answer.status < 300) return await read(answer);
      const detail = await readBytes(answer, 64 * 1024).then(
        (bytes) => detailOf(Buffer.from(bytes).toString('utf8')),
        () => '',
      );
      throw refusalOf(where, answer, detail);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof ProsamError) throw error;
      const why = late?.aborted === true ? `no answer within ${limitMs / 1000} s` : reasonOf(error);
      throw new CvatCallError('CVAT_FAILED', `${where}: ${why}. Check that ${url} can be reached from here.`, 0, { cause: error });
    }
  }

  async function repeated<T>(call: CvatCall, read: (answer: CvatAnswer) => Promise<T>): Promise<T> {
    const repeatable = call.repeatable ?? (call.method === 'GET' || call.method === 'DELETE');
    let renew = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(call, renew, read);
      } catch (error) {
        if (!(error instanceof CvatCallError)) throw error;
        // A key may have been withdrawn by a logout elsewhere.
        if (error.answered === 401 && !renew && credentials?.renewable === true) {
          renew = true;
          continue;
        }
        renew = false;
        const again = NOT_TAKEN.has(error.answered) || (repeatable && isPassing(error));
        if (!again || attempt >= attempts) throw error;
        const backoff = backoffMs * 2 ** (attempt - 1) * (0.5 + random());
        await wait(
          Math.min(LONGEST_WAIT_MS, Math.max(backoff, error.retryAfterMs ?? 0)),
          undefined,
          call.signal ? { signal: call.signal } : {},
        );
      }
    }
  }

  return {
    json: (call, schema) =>
      repeated(call, async (answer) => parsed(schema, await readBytes(answer, maxBytes), `${call.method} ${call.path}`)),
    bytes: (call) => repeated(call, (answer) => readBytes(answer, maxBytes)),
    done: async (call) => {
      await repeated(call, (answer) => readBytes(answer, maxBytes));
    },
    stream: (call) =>
      repeated({ ...call, timeoutMs: 0, signal: call.signal ?? new AbortController().signal }, (answer) =>
        Promise.resolve(answer.body ?? none()),
      ),
  };
}

async function* none(): AsyncGenerator<Uint8Array> {
  // Nothing came.
}

function addressOf(url: string, { path, query = {} }: CvatCall): string {
  const address = new URL(`${url}${path}`);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, String(value));
  return address.href;
}

async function readBytes(answer: CvatAnswer, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > maxBytes)
      throw new ProsamError('CVAT_FAILED', `expected an answer of at most ${maxBytes} bytes, got more. Ask for less at a time.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function parsed<T>(schema: z.ZodType<T>, bytes: Uint8Array, where: string): T {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new ProsamError('CVAT_FAILED', `${where}: expected JSON, got something else. Check that this is the address of a CVAT.`, {
      cause,
    });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ProsamError(
    'CVAT_FAILED',
    `${where}: expected an answer as CVAT 2.15 to 2.54 give it, got one that differs at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`,
  );
}

/** CVAT's own words, shortened: a text, or fields with texts. */
function detailOf(text: string): string {
  try {
    const json = z.union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())]).parse(JSON.parse(text));
    const detail = typeof json === 'object' && 'detail' in json && typeof json.detail === 'string' ? json.detail : json;
    return (typeof detail === 'string' ? detail : JSON.stringify(detail)).slice(0, MOST_DETAIL);
  } catch {
    // Pages of a proxy in between say nothing that helps.
    return '';
  }
}

function refusalOf(where: string, answer: CvatAnswer, detail: string): CvatCallError {
  const { status } = answer;
  const said = detail === '' ? `${status}` : `${status}: ${detail}`;
  if (status === 401) {
    return new CvatCallError(
      'CVAT_REFUSED',
      `${where}: CVAT did not accept the token (${said}). It may have been revoked or have expired: give another one.`,
      401,
    );
  }
  if (status === 403)
    return new CvatCallError(
      'CVAT_REFUSED',
      `${where}: CVAT does not allow this (${said}). Ask for the rights, or name the organization.`,
      403,
    );
  if (status === 404) {
    return new CvatCallError(
      'CVAT_FAILED',
      `${where}: CVAT has no such thing, or does not show it to this user (${said}). Check the number and the organization.`,
      404,
    );
  }
  if (status >= 300 && status < 400) {
    const to = answer.headers.get('location');
    const origin = to !== null && URL.canParse(to) ? new URL(to).origin : 'another path';
    // Credentials are never carried to where a redirect points.
    return new CvatCallError('CVAT_FAILED', `${where}: CVAT redirects to ${origin}. Use its final address.`, status);
  }
  const seconds = Number(answer.headers.get('retry-after') ?? NaN);
  return new CvatCallError(
    'CVAT_FAILED',
    `${where}: CVAT answered ${said}.`,
    status,
    Number.isFinite(seconds) ? { retryAfterMs: 1000 * seconds } : {},
  );
}

function reasonOf(error: unknown): string {
  const { code } = ((error as { cause?: unknown } | null)?.cause ?? error ?? {}) as { code?: unknown };
  return `the connection failed (${typeof code === 'string' ? code : (messageOf(error).split(':', 1)[0] ?? '')})`;
}
