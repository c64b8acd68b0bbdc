/** The webhook adapter on a real port, over real storage, in front of a fake service. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { createGuard, type GuardOptions } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../../src/adapters/http/http-app.ts';
import { createImageSources } from '../../../../src/adapters/http/images/image-sources.ts';
import { listen } from '../../../../src/adapters/http/listen.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import type { CallbackOptions } from '../../../../src/adapters/webhook/parts.ts';
import { webhook } from '../../../../src/adapters/webhook/webhook.ts';
import type { Log } from '../../../../src/service/ports/log.ts';
import { fakeService, type FakeService } from '../fake-service.ts';
import { setTimeout as wait } from 'node:timers/promises';

export const TOKENS = {
  reader: 'reader-token-0123456789',
  writer: 'writer-token-0123456789',
  admin: 'admin-token-00123456789',
  /** Of the project "cups" alone. */
  cups: 'cups-token-000123456789',
};

const GUARD: GuardOptions = {
  tokens: [
    { name: 'reader', token: TOKENS.reader, access: 'read' },
    { name: 'writer', token: TOKENS.writer, access: 'write' },
    { name: 'admin', token: TOKENS.admin, access: 'admin' },
    { name: 'cups', token: TOKENS.cups, access: 'admin', projects: ['cups'] },
  ],
};

export interface ServerOptions {
  service?: FakeService;
  callbacks?: CallbackOptions;
  /** Folder of images. */
  folder?: string;
  allowHosts?: string[];
  /** @default true */
  working?: boolean;
  /** Kept over several servers. */
  database?: string;
  log?: Log;
}

export async function startServer(options: ServerOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-webhook-'));
  const service = options.service ?? fakeService();
  const storage = await openStorage({ database: options.database ?? join(folder, 'prosam.db'), objects: join(folder, 'blobs') });
  const images = createImageSources({
    allowHosts: options.allowHosts ?? [],
    ...(options.folder !== undefined && { folder: options.folder }),
  });
  const { batches, deliveries } = storage.store;
  const adapter = webhook({
    ...{ service, images, batches, deliveries, queue: storage.queue, pollMs: 20 },
    ...(options.callbacks && { callbacks: options.callbacks }),
    ...(options.log && { log: options.log }),
  });
  const app = createHttpApp({ guard: createGuard(GUARD) });
  app.mount('/v1', adapter.routes);
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const stop = options.working === false ? () => Promise.resolve() : await adapter.work();

  const call = async (method: string, path: string, body?: unknown, token = TOKENS.admin, headers: Record<string, string> = {}) => {
    const form = body instanceof FormData;
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && !form && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json') === true ? (JSON.parse(text) as unknown) : undefined;
    return { status: response.status, headers: response.headers, text, json: json as never };
  };
  return {
    ...{ url: server.url, service, storage, adapter, call },
    close: async () => {
      await server.close({ deadlineMs: 1000 });
      await stop();
      await adapter.close();
      await images.close();
      await storage.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof startServer>>;

/** A small PNG; the seed makes it another file. */
export async function pngOf(seed = 1, width = 40, height = 30): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r: seed % 256, g: 120, b: 200 } } })
    .png()
    .toBuffer();
}

export async function until<T>(read: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    await wait(20);
  }
}
