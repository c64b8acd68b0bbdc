/** A whole service on a real port with the adapter under test: real storage, the built-in model, images at an address. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Route } from '../adapters/http/route.ts';
import type { ImageSources } from '../adapters/http/images/image-input.ts';
import type { Service } from '../service/types.ts';
import type { Storage } from '../service/ports/storage.ts';
import { createServer } from '../server/create-server.ts';
import { openStorage } from '../storage/open-storage.ts';
import { pngOf, type TestImage } from './test-images.ts';

/** Path at which the adapter is mounted. */
const MOUNT = '/adapter';
const TOKENS = { read: 'token-of-a-test-reader', write: 'token-of-a-test-writer', admin: 'token-of-a-test-admin' };

/** Everything an adapter may be made of. */
export interface AdapterParts {
  service: Service;
  images: ImageSources;
  storage: Storage;
}

export interface AdapterRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below where the adapter is mounted, such as '/done'. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
}

export interface AdapterResponse {
  status: number;
  text: string;
  json: unknown;
}

export interface AdapterPlace {
  service: Service;
  routes: readonly Route[];
  /** access: whose token is shown; none where it is false. A body that is a string is sent as it is. */
  ask(request: AdapterRequest, access?: keyof typeof TOKENS | 'stranger' | false, signal?: AbortSignal): Promise<AdapterResponse>;
  /** A head that announces so many bytes and sends none. Resolves to the status. */
  announce(request: AdapterRequest, bytes: number): Promise<number>;
  /** Address of an image. */
  show(example: TestImage): Promise<{ url: string; png: Uint8Array }>;
  close(): Promise<void>;
}

export async function openAdapterPlace(makeRoutes: (parts: AdapterParts) => readonly Route[]): Promise<AdapterPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-adapter-'));
  const shown: Uint8Array[] = [];
  const imageServer = createHttpServer((asked, response) => response.end(shown[Number(/\d+/.exec(asked.url ?? '')?.[0])]));
  await new Promise<void>((listening) => imageServer.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${(imageServer.address() as AddressInfo).port}`;
  const [database, objects] = [join(folder, 'prosam.db'), join(folder, 'blobs')];
  const storage = await openStorage({ database, objects });
  const prosam = await createServer({
    ...{ environment: {}, storage, port: 0, model: 'tiny', device: 'cpu', cache: '', learner: { run: 'off' }, log: { level: 'silent' } },
    ...{ labelStudio: { enabled: false }, cvat: { enabled: false }, images: { allowHosts: [host] } },
    auth: { tokens: (['read', 'write', 'admin'] as const).map((access) => ({ name: access, access, token: TOKENS[access] })) },
  });
  const routes = makeRoutes({ service: prosam.service, images: prosam.images, storage });
  prosam.app.mount(MOUNT, routes);
  const url = await prosam.listen();
  const headers = (access: string | false, body: unknown): Record<string, string> => ({
    ...(access !== false && { authorization: `Bearer ${(TOKENS as Record<string, string>)[access] ?? 'token-of-nobody-at-all'}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  });
  return {
    ...{ service: prosam.service, routes },
    async ask({ path, body, method = body === undefined ? 'GET' : 'POST' }, access = 'admin', signal) {
      const response = await fetch(`${url}${MOUNT}${path}`, {
        ...{ method, headers: headers(access, body) },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(signal && { signal }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, text, json: isJson ? (JSON.parse(text) as unknown) : undefined };
    },
    announce({ path, method = 'POST' }, bytes) {
      return new Promise((done, failed) => {
        const sent = request(`${url}${MOUNT}${path}`, { method, headers: { ...headers('admin', ''), 'content-length': bytes } });
        sent.once('error', failed).once('response', (response) => {
          done(response.statusCode ?? 0);
          sent.off('error', failed).on('error', () => undefined);
          sent.destroy();
        });
        sent.flushHeaders();
      });
    },
    async show(example) {
      const png = await pngOf(example);
      return { url: `http://${host}/${shown.push(png) - 1}.png`, png };
    },
    async close() {
      await prosam.close();
      await new Promise((closed) => imageServer.close(closed));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
