/** Calls of `/v1` as JSON: paths, queries and bodies written, responses read. */
import { ProsamClientError } from './client-error.ts';
import { createSend, type Call, type CallOptions, type ClientOptions, type Send } from './send.ts';
import { writeBody } from './with-files.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A call that returns a list. */
export interface PageOptions extends CallOptions {
  /** Entries on a page, 1 to 1,000. @default the service's own for this list, 20 to 100 */
  limit?: number;
}

/** Paths begin below `/v1`. Every function rejects with a ProsamClientError, or with the reason of its signal. */
export interface Calls {
  send: Send;
  get: <T>(path: string, options?: CallOptions, query?: Query) => Promise<T>;
  /** repeatable: sending it twice has the effect of sending it once. */
  post: <T>(path: string, body: unknown, repeatable: boolean, options?: CallOptions) => Promise<T>;
  change: <T>(method: 'PUT' | 'DELETE', path: string, body: unknown, options?: CallOptions) => Promise<T>;
}

export function createCalls(options: ClientOptions): Calls {
  const send = createSend(options);
  const json = async <T>(call: Call): Promise<T> => {
    const response = await send(call);
    try {
      return (await response.json()) as T;
    } catch (cause) {
      call.signal?.throwIfAborted();
      const message = 'The response broke off or is no JSON. Try again.';
      throw new ProsamClientError({ code: 'ANSWER_UNREADABLE', message, status: response.status }, { cause });
    }
  };
  const withBody = (body: unknown) => (body === undefined ? undefined : writeBody(body));
  return {
    send,
    get: (path, { signal } = {}, query = {}) =>
      json({ method: 'GET', path: `/v1${path}${queryText(query)}`, repeatable: true, ...(signal && { signal }) }),
    post: (path, body, repeatable, { signal } = {}) =>
      json({ method: 'POST', path: `/v1${path}`, repeatable, ...withBody(body), ...(signal && { signal }) }),
    change: (method, path, body, { signal } = {}) =>
      json({ method, path: `/v1${path}`, repeatable: true, ...withBody(body), ...(signal && { signal }) }),
  };
}

/** One segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}

export function queryText(query: Query): string {
  const text = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) text.set(key, String(value));
  return text.size === 0 ? '' : `?${text.toString()}`;
}
