/** A proxy that serves an app below a path of its own address, as nginx and others do. */
import { createServer, request as ask } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface ProxyOptions {
  /** Address of the app. */
  to: string;
  /** Path in the proxy's address. */
  prefix: string;
  /** Takes the prefix off, or leaves it. */
  strips: boolean;
  /** Headers it sets. @default those that say what it was asked for */
  headers?: (host: string) => Record<string, string>;
}

export async function startProxy({ to, prefix, strips, headers }: ProxyOptions): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const { url = '/', method, headers: sent } = request;
    if (url !== prefix && !url.startsWith(`${prefix}/`)) return void response.writeHead(404).end('the proxy knows no such path');
    const own = headers?.(sent.host ?? '') ?? {
      'x-forwarded-host': sent.host ?? '',
      'x-forwarded-prefix': prefix,
      'x-forwarded-proto': 'http',
    };
    const path = strips ? url.slice(prefix.length) || '/' : url;
    const forward = ask(new URL(path, to), { method, headers: { ...sent, ...own, host: new URL(to).host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    request.pipe(forward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
