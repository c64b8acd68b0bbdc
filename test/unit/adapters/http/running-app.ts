/** An app on a free port of this machine, and raw sockets to talk to it. */
import { connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { createGuard, type GuardOptions } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp, type HttpApp, type HttpAppOptions } from '../../../../src/adapters/http/http-app.ts';
import { listen, type Listening, type ListenOptions } from '../../../../src/adapters/http/listen.ts';
import type { Route } from '../../../../src/adapters/http/route.ts';
import type { Log } from '../../../../src/service/ports/log.ts';

export const TOKEN = 'a-token-that-nobody-guesses';
export const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
export const JSON_BODY = { ...AUTHORIZED, 'content-type': 'application/json' };

export interface RunningApp extends Listening {
  app: HttpApp;
  log: { level: string; fields: Record<string, unknown>; message: string }[];
}

export interface Options extends Partial<Omit<HttpAppOptions, 'guard' | 'log'>> {
  guard?: GuardOptions;
  listen?: Partial<ListenOptions>;
}

export async function startApp(routes: readonly Route[], { guard, listen: on, ...options }: Options = {}): Promise<RunningApp> {
  const log: RunningApp['log'] = [];
  const write =
    (level: string): Log['info'] =>
    (fields, message) =>
      void log.push({ level, fields, message });
  const app = createHttpApp({
    guard: createGuard(guard ?? { tokens: [{ name: 'tester', token: TOKEN, access: 'admin' }] }),
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    ...options,
  });
  app.mount('/v1', routes);
  const listening = await listen(app, { host: '127.0.0.1', port: 0, ...on });
  return { ...listening, app, log };
}

/** As `startApp`; what it starts is closed after the test. */
export function closedApps(): typeof startApp {
  const running: RunningApp[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.close({ deadlineMs: 100 })));
  });
  return async (routes, options) => {
    const one = await startApp(routes, options);
    running.push(one);
    return one;
  };
}

export interface RawResponse {
  /** Everything the server sent until it closed, or until `until` said it was enough. */
  text: string;
  socket: Socket;
}

/** Sends bytes as they are, and waits for the answer's end of headers and body (or the close of the connection). */
export async function sendRaw(port: number, bytes: string, { until = /\r\n\r\n[^]*\}$/ }: { until?: RegExp } = {}): Promise<RawResponse> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8');
  return new Promise((resolve) => {
    const done = (): void => {
      resolve({ text, socket });
    };
    socket.on('data', (piece: string) => {
      text += piece;
      if (until.test(text)) done();
    });
    socket.on('close', done);
    socket.on('error', done);
    socket.write(bytes);
  });
}

export interface ErrorBody {
  error: { code: string; message: string; hint: string; requestId: string };
}

export async function errorOf(response: Response): Promise<ErrorBody['error']> {
  return ((await response.json()) as ErrorBody).error;
}
