/** Builds the page and serves it on this machine: npm run example:web -- [--port N] */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPage } from './build.ts';

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.safetensors': 'application/octet-stream',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** The first two make the page isolated, which gives WebAssembly its threads. The page works without them, on one. */
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' blob:; img-src 'self' blob: data:; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Ask whether it changed; nothing changes while it is the same file.
  'cache-control': 'no-cache',
};

export interface PageServer {
  url: string;
  close(): Promise<void>;
}

/** isolated: with the headers that threads need. */
export async function servePage(folder: string, { port = 0, isolated = true } = {}): Promise<PageServer> {
  const headers = Object.fromEntries(Object.entries(HEADERS).filter(([name]) => isolated || !name.startsWith('cross-origin')));
  const server: Server = createServer((request, response) => {
    void (async () => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://page').pathname);
      const file = join(folder, normalize(path.endsWith('/') ? `${path}index.html` : path));
      const info = file.startsWith(folder) ? await stat(file) : undefined;
      if (!info?.isFile()) throw new Error('no such file');
      const etag = `"${info.size}-${info.mtimeMs}"`;
      const fresh = request.headers['if-none-match'] === etag;
      response.writeHead(fresh ? 304 : 200, {
        ...headers,
        etag,
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        ...(!fresh && { 'content-length': info.size }),
      });
      if (fresh || request.method === 'HEAD') response.end();
      else createReadStream(file).pipe(response);
    })().catch(() => response.writeHead(404, { ...headers, 'content-type': 'text/plain' }).end('not found\n'));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8090' } } });
  const folder = fileURLToPath(new URL('dist', import.meta.url));
  await buildPage(folder);
  const { url } = await servePage(folder, { port: Number(values.port) });
  console.log(`The page is at ${url} (built into examples/web/dist; any static server will do). Ctrl-C ends.`);
}
