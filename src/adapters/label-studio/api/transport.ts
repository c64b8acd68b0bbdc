/** Calls to one Label Studio: credentials, time limits, repetitions, bounded answers, and errors people can act on. */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import type { ApiCredentials } from './credentials.ts';

/** The part of fetch that is used. */
export type ApiFetch = (url: string, init: ApiFetchInit) => Promise<ApiAnswer>;
export interface ApiFetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string | FormData;
  redirect: 'manual';
  signal: AbortSignal;
}
export interface ApiAnswer {
  status: number;
  headers: { get(name: string): string | null };
  body: AsyncIterable<Uint8Array> | null;
}

export interface TransportOptions {
  /** Without a slash at its end. */
  url: string;
  credentials?: ApiCredentials;
  /** @default the system's fetch */
  fetch?: ApiFetch;
  /** For one attempt. @default 30,000 */
  timeoutMs?: number;
  /** Tries of a call that may be repeated, the first one included. @default 4 */
  attempts?: number;
  /** Before the second try; doubled before each further one. @default 300 */
  backoffMs?: number;
  /** Largest answer. @default 128 MiB */
  maxBytes?: number;
  /** 0..1 @default Math.random */
  random?: () => number;
}

/** Of every call. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface Call<T> {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the address of Label Studio, with the slashes it wants. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean>>;
  json?: unknown;
  form?: FormData;
  /** What the answer must be; without it the answer is not read. */
  answer?: z.ZodType<T>;
  /** Answered instead of an error where Label Studio says 404, in its own words: what a server before it says tells nothing. */
  missing?: T;
  /** A 404 in anybody's words will do: for what older versions lack. @default false */
  missingInAnyWords?: boolean;
  /** Whether doing it twice is the same as once. @default all but POST */
  repeatable?: boolean;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export type Transport = <T>(call: Call<T>) => Promise<T>;

const LONGEST_WAIT_MS = 30_000;
/** Nothing was done with the request. */
const NOT_TAKEN = new Set([429, 503]);
const PASSING = new Set([408, 429, 500, 502, 503, 504]);
/** Of an error's text, for the message. */
const MOST_DETAIL = 400;

/** @throws LABEL_STUDIO_FAILED, LABEL_STUDIO_REFUSED; the reason of the call's signal */
export function createTransport(options: TransportOptions): Transport {
  const { url, credentials, timeoutMs = 30_000, attempts = 4, backoffMs = 300, maxBytes = 128 * 2 ** 20, random = Math.random } = options;
  const send: ApiFetch = options.fetch ?? ((address, init) => fetch(address, init));

  async function once<T>(call: Call<T>, renew: boolean): Promise<Result<T>> {
    const late = AbortSignal.timeout(call.timeoutMs ?? timeoutMs);
    const signal = call.signal ? AbortSignal.any([call.signal, late]) : late;
    const where = `${call.method} ${call.path}`;
    try {
      const authorization = await credentials?.authorization({ renew, signal });
      const answer = await send(addressOf(url, call), {
        method: call.method,
        headers: {
          accept: 'application/json',
          ...(authorization !== undefined && { authorization }),
          ...(call.json !== undefined && { 'content-type': 'application/json' }),
        },
        ...(call.json !== undefined && { body: JSON.stringify(call.json) }),
        ...(call.form && { body: call.form }),
        redirect: 'manual',
        signal,
      });
      if (answer.status >= 200 && answer.status < 300) {
        if (call.answer === undefined) {
          await readText(answer, MOST_DETAIL);
          return { value: undefined as T };
        }
        return { value: parsed(call.answer, await readText(answer, maxBytes), where) };
      }
      const detail = await readText(answer, 64 * 1024).catch(() => '');
      if (answer.status === 404 && 'missing' in call && (call.missingInAnyWords === true || isOwnMissing(detail)))
        return { value: call.missing };
      return { status: answer.status, error: refusalOf(where, answer, detail), retryAfterMs: retryAfterOf(answer) };
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof ProsamError) return { error };
      const why = late.aborted ? `no answer within ${(call.timeoutMs ?? timeoutMs) / 1000} s` : reasonOf(error);
      return { status: 0, error: failed(`${where}: ${why}. Check that ${url} can be reached from here`, error) };
    }
  }

  return async <T>(call: Call<T>): Promise<T> => {
    const repeatable = call.repeatable ?? call.method !== 'POST';
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const result = await once(call, renewed && attempt > 1);
      if ('value' in result) return result.value;
      const { status, error, retryAfterMs } = result;
      if (status === undefined) throw error;
      // The access token may have been withdrawn before its time.
      if (status === 401 && !renewed && credentials?.renewable === true) {
        renewed = true;
        continue;
      }
      const again = NOT_TAKEN.has(status) || (repeatable && (status === 0 || PASSING.has(status)));
      if (!again || attempt >= attempts) throw error;
      const backoff = backoffMs * 2 ** (attempt - 1) * (0.5 + random());
      await wait(Math.min(LONGEST_WAIT_MS, Math.max(backoff, retryAfterMs ?? 0)), undefined, call.signal ? { signal: call.signal } : {});
    }
  };
}

type Result<T> =
  { value: T } | { error: ProsamError; /** Absent: final. 0: there was no answer. */ status?: number; retryAfterMs?: number | undefined };

function addressOf(url: string, { path, query = {} }: Call<unknown>): string {
  const address = new URL(`${url}${path}`);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, String(value));
  return address.href;
}

async function readText(answer: ApiAnswer, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw failed(`expected an answer of at most ${maxBytes} bytes, got more`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parsed<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw failed(`${where}: expected JSON, got something else. Check that this is the address of a Label Studio`, cause);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw failed(
    `${where}: expected the answer of a Label Studio 1.23, got one that differs at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  );
}

const problemSchema = z.object({ detail: z.string().optional().catch(undefined), validation_errors: z.unknown().optional() });

const missingSchema = z.object({ status_code: z.literal(404), detail: z.string() });

/** Whether Label Studio itself says that there is no such thing. */
function isOwnMissing(text: string): boolean {
  try {
    return missingSchema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** Label Studio's own words, shortened; never the request. */
function detailOf(text: string): string {
  try {
    const { detail = '', validation_errors: fields } = problemSchema.parse(JSON.parse(text));
    return `${detail}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`
      .replace(/<[^>]*>/g, '')
      .slice(0, MOST_DETAIL)
      .replace(/\.+$/, '');
  } catch {
    return '';
  }
}

function refusalOf(where: string, answer: ApiAnswer, text: string): ProsamError {
  const { status } = answer;
  const detail = detailOf(text);
  const said = detail === '' ? `${status}` : `${status}: ${detail}`;
  if (status === 401) return refused(`${where}: Label Studio did not accept the credentials (${said}). Give a token that is valid there`);
  if (status === 403) return refused(`${where}: Label Studio does not allow this (${said})`);
  if (status >= 300 && status < 400) {
    const to = answer.headers.get('location');
    const origin = to !== null && URL.canParse(to) ? new URL(to).origin : 'another path';
    // Credentials are never carried to where a redirect points.
    return failed(`${where}: Label Studio redirects to ${origin}. Use its final address as the url`);
  }
  return failed(`${where}: Label Studio answered ${said}`);
}

function retryAfterOf(answer: ApiAnswer): number | undefined {
  const seconds = Number(answer.headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) ? 1000 * seconds : undefined;
}

function reasonOf(error: unknown): string {
  const { code } = ((error as { cause?: unknown } | null)?.cause ?? error ?? {}) as { code?: unknown };
  return `the connection failed (${typeof code === 'string' ? code : (messageOf(error).split(':', 1)[0] ?? '')})`;
}

export function failed(message: string, cause?: unknown): ProsamError {
  return new ProsamError('LABEL_STUDIO_FAILED', `${message}.`, cause === undefined ? {} : { cause });
}

export function refused(message: string): ProsamError {
  return new ProsamError('LABEL_STUDIO_REFUSED', `${message}.`);
}
