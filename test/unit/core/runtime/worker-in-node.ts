/** The script that pages run in a Web Worker, run in a thread of Node: the same messages, on WebAssembly. */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { WorkerLike } from '../../../../src/core/common/web-globals.ts';

/** Gives the thread the two names that a Web Worker has. */
const BOOTSTRAP = `
  const { parentPort } = require('node:worker_threads');
  globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
  globalThis.addEventListener = (type, listener) => parentPort.on(type, (data) => listener({ data }));
  import(require('node:worker_threads').workerData);
`;

export interface NodeWebWorker extends WorkerLike {
  /** As if the browser had ended it. */
  crash(): void;
  /** Resolves once the page has sent another message. */
  nextPost(): Promise<void>;
}

export function startNodeWebWorker(): NodeWebWorker {
  const script = new URL('../../../../src/web-worker.ts', import.meta.url).href;
  const worker = new Worker(BOOTSTRAP, { eval: true, workerData: script, execArgv: [] });
  worker.unref();
  const waiting: (() => void)[] = [];
  const failed = new Set<(event: { message?: string; preventDefault(): void }) => void>();
  return {
    postMessage(message, transfer = []) {
      worker.postMessage(message, transfer);
      for (const resolve of waiting.splice(0)) resolve();
    },
    nextPost: () => new Promise((resolve) => waiting.push(resolve)),
    terminate: () => void worker.terminate(),
    crash() {
      for (const listener of failed) listener({ message: 'out of memory', preventDefault: () => undefined });
    },
    addEventListener(type: string, listener: (event: never) => void) {
      if (type === 'message') worker.on('message', (data: unknown) => listener({ data } as never));
      else if (type === 'error') failed.add(listener as never);
    },
  };
}

/** Serves a folder of models on this machine. */
export async function serveModels(folder = 'models'): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    readFile(join(folder, request.url ?? '')).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
