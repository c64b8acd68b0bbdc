/** One request with its time limit, and again where that does no harm. */
import { isWorthRepeating, pauseMs, withRetry } from '../core/common/retry.ts';
import { errorFrom, ProsamClientError } from './client-error.ts';

export interface ClientOptions {
  /** Address of the service, e.g. http://127.0.0.1:9090 */
  url: string;
  /** Sent as a bearer token. @default none */
  token?: string;
  /** Function that sends requests. @default the global fetch */
  fetch?: typeof fetch;
  /** Longest time of one try, in milliseconds. @default 60,000 */
  timeoutMs?: number;
  /** Further tries of requests that may be repeated. @default 2 */
  retries?: number;
}

export interface CallOptions {
  /** Ends the call with its reason. */
  signal?: AbortSignal;
}

export interface Call extends CallOptions {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the address. */
  path: string;
  body?: string | FormData;
  headers?: Record<string, string>;
  /** Doing it twice is the same as doing it once. */
  repeatable: boolean;
  /** 0: no limit. */
  timeoutMs?: number;
}

export type Send = (call: Call) => Promise<Response>;

const FIRST_PAUSE_MS = 250;

export function createSend({ url, token, fetch: ask = fetch, timeoutMs: usual = 60_000, retries = 2 }: ClientOptions): Send {
  const base = url.replace(/\/+$/, '');
  const once = async ({ method, path, body, headers, signal, timeoutMs = usual }: Call): Promise<Response> => {
    const late = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined;
    const signals = [signal, late].filter((one) => one !== undefined);
    let response: Response;
    try {
      response = await ask(`${base}${path}`, {
        method,
        headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        ...(body !== undefined && { body }),
        ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      if (late?.aborted === true) {
        const message = `No answer within ${timeoutMs / 1000} s. Try again later, or allow more time.`;
        throw new ProsamClientError({ code: 'TIMED_OUT', message }, { cause });
      }
      const message = `The service at ${base} cannot be reached. Check that it runs and that the address is right.`;
      throw new ProsamClientError({ code: 'NETWORK_FAILED', message }, { cause });
    }
    if (response.ok) return response;
    throw await errorFrom(response);
  };
  return (call) => {
    const pauseAfter = (error: unknown, tried: number): number | undefined => {
      if (!(error instanceof ProsamClientError) || error.code === 'TIMED_OUT' || tried > retries) return undefined;
      const again = call.repeatable && isWorthRepeating(error, { repeatable: true, exact: true });
      return again ? pauseMs(tried, error, { firstMs: FIRST_PAUSE_MS }) : undefined;
    };
    return withRetry(() => once(call), { pauseAfter, signal: call.signal });
  };
}
