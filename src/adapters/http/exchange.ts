/** One request and its response, from the first byte to the last: what everything that handles it shares. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../../service/ports/log.ts';
import type { Caller } from './route.ts';

export interface Exchange {
  readonly requestId: string;
  readonly startedMs: number;
  readonly log: Log;
  /** Path pattern of the route, once found; metrics count by it, so that their number stays small. */
  route?: string;
  caller?: Caller;
  /** Path of the service in the address its proxy was asked for. */
  readonly prefix: string;
  /** Methods that exist at this path. */
  readonly methods: Set<string>;
  /** Errors tell their message in the status line too. */
  errorsInStatusLine?: boolean;
  /** Code of the error it ended with. */
  errorCode?: string;
}

/** Long enough for a client to read an answer before it has sent everything. */
const LINGER_MS = 2000;

/** Time a client has to read its response. */
const ANSWER_MS = 60_000;

/** Adds the same fields to every line. */
export function withFields(log: Log, fields: Readonly<Record<string, unknown>>): Log {
  return {
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  };
}

/** Without the query, which may carry what nobody should read; bounded. */
export function loggedPath(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0]?.slice(0, 200) ?? '';
}

/** Ends connections of clients that go on sending after their answer, or never read it. */
export function boundEnding(request: IncomingMessage, response: ServerResponse): void {
  response.once('prefinish', () => {
    const unread = setTimeout(() => response.destroy(), ANSWER_MS);
    unread.unref();
    response.once('close', () => clearTimeout(unread));
  });
  response.once('finish', () => {
    if (request.complete) return;
    const { socket } = request;
    // Taken and thrown away for a moment: closing at once would cost the client its answer.
    request.resume();
    const linger = setTimeout(() => socket.destroy(), LINGER_MS);
    linger.unref();
    const over = (): void => {
      clearTimeout(linger);
      // The connection may carry many more requests.
      request.off('end', over);
      socket.off('close', over);
    };
    request.once('end', over);
    socket.once('close', over);
  });
}

/** Goes into headers, logs and responses as it is. */
const HARMLESS = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/** Name of a request: the caller's own where it is harmless, a random one otherwise. */
export function requestIdOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && HARMLESS.test(header) ? header : randomUUID();
}
