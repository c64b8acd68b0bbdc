/** Repeating calls that failed: which failures may pass, how long to wait, and the loop that does both. Runs in browsers and Node. */

/** Status of a call that got no answer: it may have been carried out or not. */
export const NO_ANSWER = 0;
/** Longest wait before another try, in milliseconds. A server that asks for more time is left to the caller. */
export const MAX_PAUSE_MS = 60_000;
const MAX_BACKOFF_MS = 30_000;

const TRANSIENT: ReadonlySet<number> = new Set([NO_ANSWER, 408, 429, 500, 502, 503, 504]);

export interface HttpFailure {
  /** HTTP status, or NO_ANSWER. */
  status: number;
  /** Value of the Retry-After header. */
  retryAfterMs?: number | undefined;
}

/** True where the same call may work in a moment. */
export function isTransient({ status }: HttpFailure): boolean {
  return TRANSIENT.has(status);
}

/** True where the server did nothing with the request: 429, and a 503 that names a time. A bare 503 may come from a proxy that lost the answer. */
function wasNotTaken({ status, retryAfterMs }: HttpFailure): boolean {
  return status === 429 || (status === 503 && retryAfterMs !== undefined);
}

export interface RetryRule {
  /** Doing it twice is the same as doing it once. */
  repeatable: boolean;
  /** The server marks what may pass by 429, 503 or Retry-After: its other errors are final. @default false */
  exact?: boolean;
}

export function isWorthRepeating(failure: HttpFailure, { repeatable, exact = false }: RetryRule): boolean {
  if (!repeatable) return wasNotTaken(failure);
  if (!exact) return isTransient(failure);
  return [NO_ANSWER, 429, 503].includes(failure.status) || failure.retryAfterMs !== undefined;
}

/** Value of a Retry-After header, seconds or a date, in milliseconds from now; undefined where there is none that can be read. */
export function retryAfterMs(header: string | null | undefined, nowMs: number = Date.now()): number | undefined {
  const text = header?.trim() ?? '';
  if (text === '') return undefined;
  const ms = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

export interface Backoff {
  /** Before the second try; doubled before each further one. */
  firstMs: number;
  /** @default 30,000 */
  maxMs?: number | undefined;
  /** 0..1 @default Math.random */
  random?: (() => number) | undefined;
}

/** Wait after a number of failed tries, plus or minus a quarter, so that many callers do not come back together. */
export function backoffMs(tried: number, { firstMs, maxMs = MAX_BACKOFF_MS, random = Math.random }: Backoff): number {
  return Math.min(maxMs, firstMs * 2 ** (tried - 1)) * (0.75 + random() / 2);
}

/** The longer of backoff and what the server asked for; undefined where it asked for more than MAX_PAUSE_MS. */
export function pauseMs(tried: number, failure: Pick<HttpFailure, 'retryAfterMs'>, backoff: Backoff): number | undefined {
  const asked = failure.retryAfterMs ?? 0;
  return asked > MAX_PAUSE_MS ? undefined : Math.max(asked, backoffMs(tried, backoff));
}

/** Rejects with the signal's reason as soon as that aborts. */
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
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

export interface RetryOptions {
  /** Milliseconds before the next try; undefined: the error is final. tried: failed tries so far, from 1. */
  pauseAfter: (error: unknown, tried: number) => number | undefined;
  /** Ends waiting with its reason. */
  signal?: AbortSignal | undefined;
}

/** Does work until it succeeds or its error is final. tried: failed tries so far. Rejects with the last error, or the signal's reason. */
export async function withRetry<T>(work: (tried: number) => Promise<T>, { pauseAfter, signal }: RetryOptions): Promise<T> {
  for (let tried = 0; ;) {
    try {
      return await work(tried);
    } catch (error) {
      signal?.throwIfAborted();
      const pause = pauseAfter(error, ++tried);
      if (pause === undefined) throw error;
      await wait(pause, signal);
    }
  }
}
