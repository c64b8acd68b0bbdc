/** An HTTP app on a port: time limits against slow clients, and an end that lets people finish. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import { trackConnections } from './connections.ts';
import { errorResponse } from './error-response.ts';
import type { HttpApp } from './http-app.ts';

export interface ListenOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** For the head of a request. @default 10,000 */
  headersTimeoutMs?: number;
  /** Between two requests of one connection. @default 5,000 */
  keepAliveTimeoutMs?: number;
  /** Most at the same time: the one that has been silent the longest makes room, and where none is silent, the new one is closed. @default 1,000 */
  maxConnections?: number;
}

export interface Listening {
  url: string;
  port: number;
  /** New requests are refused, event streams end, answers in progress have until the deadline. Resolves once every connection is closed. */
  close(options: { deadlineMs: number }): Promise<void>;
}

/** Time in which requests refused at the deadline still get their response. */
const LAST_WORDS_MS = 250;
const WARN_EVERY_MS = 1000;

/** @throws CONFIG_INVALID where the address cannot be had */
export async function listen(app: HttpApp, options: ListenOptions): Promise<Listening> {
  const { host, port, headersTimeoutMs = 10_000, keepAliveTimeoutMs = 5000, maxConnections = 1000 } = options;
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    // Bodies have a limit of their own that answers better; this one catches what slips past it.
    requestTimeout: headersTimeoutMs + 2 * app.limits.bodyTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.max(50, Math.min(1000, Math.floor(headersTimeoutMs / 2))),
    maxHeaderSize: 16 * 1024,
  });
  const warn = createDropWarning(app.log, maxConnections);
  const connections = trackConnections(server, { max: maxConnections, onDrop: warn });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => app.handler(request, response));
  // Clients that ask before they send are told when the body is wanted, not before.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => void server.emit('request', request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuse(error, socket, connections.busy(socket)));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new ProsamError('CONFIG_INVALID', `Cannot listen on ${host}:${port}: ${messageOf(cause)}. Use another port or address.`, { cause }),
      );
    });
    server.listen({ host, port }, () => resolve());
  });
  const address = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = async (deadlineMs: number): Promise<void> => {
    app.drain();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.endIdle();
    if (await inTime(closed, deadlineMs)) return;
    app.abort();
    if (await inTime(closed, LAST_WORDS_MS)) return;
    connections.destroyAll();
    await closed;
  };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    close: ({ deadlineMs }) => (closing ??= close(deadlineMs)),
  };
}

/** One line a second at most, with the number of connections that were closed: thousands of them are one event. */
function createDropWarning(log: Log, maxConnections: number): (idle: boolean) => void {
  const closed = { silent: 0, refused: 0 };
  let timer: NodeJS.Timeout | undefined;
  return (idle) => {
    closed[idle ? 'silent' : 'refused']++;
    timer ??= setTimeout(() => {
      timer = undefined;
      log.warn({ maxConnections, ...closed }, 'connections closed: too many at the same time');
      [closed.silent, closed.refused] = [0, 0];
    }, WARN_EVERY_MS).unref();
  };
}

async function inTime(done: Promise<void>, milliseconds: number): Promise<boolean> {
  const stop = new AbortController();
  const late = wait(milliseconds, false, { signal: stop.signal }).catch(() => false);
  const first = await Promise.race([done.then(() => true), late]);
  stop.abort();
  return first;
}

/** Answers by hand a connection that never became a request. */
function refuse(error: NodeJS.ErrnoException, socket: Socket, busy: boolean): void {
  // In the middle of an answer there is nothing left to say.
  if (busy || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const response = errorResponse(reasonOf(error.code), randomUUID(), { challenge: '' });
  const body = JSON.stringify(response.body);
  const head = [`HTTP/1.1 ${response.status} Refused`, 'Connection: close', 'Content-Type: application/json; charset=utf-8'];
  socket.end([...head, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'), () => socket.destroy());
}

function reasonOf(code: string | undefined): ProsamError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ProsamError('REQUEST_TIMEOUT', 'The head of the request did not arrive in time. Send it at once.');
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ProsamError('REQUEST_TOO_LARGE', 'The head of the request is larger than 16 KiB. Send fewer headers.');
  return new ProsamError('REQUEST_INVALID', 'This is not an HTTP request. Speak HTTP/1.1, without TLS.');
}
