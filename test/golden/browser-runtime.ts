/** A runtime in Node whose sessions live in a page of a real browser. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { servePage } from '../../examples/web/serve.ts';
import type { Runtime } from '../../src/core/onnx/session.ts';
import type { WebDevice } from '../../src/core/runtime/web/device.ts';
import type { PageRuntime, SentTensor } from './browser-page.ts';
import { weightFiles } from './web-runtime.ts';

export interface BrowserRuntime extends Runtime {
  end(): Promise<void>;
}

/** weights: folder of the weight files. */
export async function browserRuntime(browser: Browser, device: WebDevice, weights: string): Promise<BrowserRuntime> {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-golden-page-'));
  await build({
    entryPoints: { main: 'test/golden/browser-page.ts' },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['onnxruntime-web-use-extern-wasm'],
    logLevel: 'warning',
  });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>golden numbers</title><script type="module" src="./main.js"></script>');
  symlinkSync(resolve(weights), join(folder, 'weights'));
  symlinkSync(dirname(createRequire(import.meta.url).resolve('onnxruntime-web')), join(folder, 'ort'));
  const server = await servePage(folder);
  const page = await browser.newPage();
  await page.goto(server.url, { waitUntil: 'load' });
  const there = <K extends keyof PageRuntime>(name: K, ...given: Parameters<PageRuntime[K]>): ReturnType<PageRuntime[K]> =>
    page.evaluate(
      ([method, args]) => {
        const { prosam } = globalThis as unknown as { prosam: Record<string, (...all: unknown[]) => Promise<unknown>> };
        return (prosam[method] as (...all: unknown[]) => Promise<unknown>)(...args);
      },
      [name, given] as [string, unknown[]],
    ) as ReturnType<PageRuntime[K]>;
  await there('open', device, [...weightFiles(weights).keys()]);

  return {
    device,
    async load({ name, bytes, files }) {
      const session = await there('load', { name, base64: Buffer.from(bytes).toString('base64'), ...(files && { files }) });
      return {
        async run(inputs) {
          const sent = Object.entries(inputs).map(([key, { data, shape }]): [string, SentTensor] => [
            key,
            { base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'), shape },
          ]);
          const results = await there('run', session, Object.fromEntries(sent));
          return Object.fromEntries(
            Object.entries(results).map(([key, { base64, shape }]) => {
              const data = new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
              return [key, { data, shape }];
            }),
          );
        },
        close: () => there('close', session),
      };
    },
    async end() {
      await page.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
