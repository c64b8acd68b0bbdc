/** One request with its time limit, and again where that does no harm. */
import { errorFrom, ProsamClientError } from './client-error.ts';

export interface ClientOptions {
  /** Address of the service, e.g. http://127.0.0.1:9090 */
  url: string;
  /** Sent as a bearer token. */
  token?: string;
  /** @default the global one */
  fetch?: typeof fetch;
  /** Longest time of one try, in milliseconds. @default 60,000 */
  timeoutMs?: number;
  /** Further tries of requests that may be repeated. @default 2 */
  retries?: number;
}

export interface CallOptions {
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

/** Statuses of a busy service: the same request may work in a moment. */
const PASSING = new Set([429, 503]);
const FIRST_PAUSE_MS = 250;
/** Longer waits are the caller's to decide on. */
const LONGEST_PAUSE_MS = 30_000;

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
  return async (call) => {
    for (let tries = 0; ; tries++) {
      try {
        return await once(call);
      } catch (error) {
        const pause = error instanceof ProsamClientError ? pauseAfter(error, tries) : undefined;
        if (pause === undefined || !call.repeatable || tries >= retries) throw error;
        await wait(pause, call.signal);
      }
    }
  };
}

/** undefined: trying again would not help. */
function pauseAfter({ code, status, retryAfterMs }: ProsamClientError, tries: number): number | undefined {
  if (!PASSING.has(status) && code !== 'NETWORK_FAILED') return undefined;
  const pause = retryAfterMs ?? FIRST_PAUSE_MS * 2 ** tries * (0.75 + Math.random() / 2);
  return pause <= LONGEST_PAUSE_MS ? pause : undefined;
}

/** Rejects with the signal's reason. */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
}
