/**
 * SAM 2 as pages compute it: the worker of a page in a thread of Node, and a real browser with a worker, bytes over fetch, WebAssembly
 * and WebGPU on SwiftShader (all in software), against Node's engine.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servePage, type PageServer } from '../../../../examples/web/serve.ts';
import { sceneWith, type SceneWithTruth } from '../../../../src/scenes/scene-with.ts';
import type { Engine, RefinePrompts } from '../../../../src/core/engine/types.ts';
import { iou } from '../../../../src/core/mask/metrics.ts';
import { openEngine } from '../../../../src/core/runtime/node/open-engine.ts';
import type { WebDevice } from '../../../../src/core/runtime/web/device.ts';
import { createWebEngine } from '../../../../src/web.ts';
import { chromiumLabel, hasChromium, startChromium } from '../../adapters/console/chromium.ts';
import { serveModels, startNodeWebWorker } from '../runtime/worker-in-node.ts';
import type { EnginePage, SentScene } from './engine-page.ts';
import { writeSam2Folder } from './sam2-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-sam2-web-'));
let seed = 20_018;
const [reference, target] = [sceneWith(17, () => seed++), sceneWith(17, () => seed++)];
const references = [{ image: reference.image, mask: reference.truth }];
const CLICKS: readonly RefinePrompts[] = [{ points: [[100, 120]] }, { points: [[100, 120]], box: [30, 40, 150, 160] }];
const METHODS = ['prosam', 'persam', 'nearest'] as const;

const there = {} as Record<'sam' | 'dino', Engine>;
beforeAll(async () => {
  for (const backbone of ['sam', 'dino'] as const) {
    const model = await writeSam2Folder(join(root, 'models', backbone), { backbone });
    there[backbone] = await openEngine({ model, device: 'cpu', threads: 1 });
  }
});
afterAll(async () => {
  for (const engine of Object.values(there)) await engine.close();
  rmSync(root, { recursive: true, force: true });
});

interface Said {
  mask: Uint8Array;
  samIou: number | undefined;
  objectScore: number | undefined;
}

/** What Node's engine says, in the form the page sends. */
async function nodeSays(backbone: 'sam' | 'dino'): Promise<Said[]> {
  const engine = there[backbone];
  const predicted = [];
  for (const method of METHODS) {
    const [found] = (await engine.predict(target.image, references, { method })).masks;
    predicted.push({ mask: found?.mask.data as Uint8Array, samIou: found?.quality.samIou, objectScore: undefined });
  }
  const refined = [];
  for (const clicks of CLICKS) {
    const { masks } = await engine.refine(target.image, clicks);
    refined.push(...masks.map(({ mask, samIou, objectScore }) => ({ mask: mask.data, samIou, objectScore })));
  }
  return [...predicted, ...refined];
}

function expectSame(here: readonly Said[], expected: readonly Said[], least = 0.999): void {
  expect(here).toHaveLength(expected.length);
  for (const [i, { mask, samIou, objectScore }] of expected.entries()) {
    const own = here[i] as Said;
    expect(iou(own.mask, mask), `mask ${i}`).toBeGreaterThan(least);
    for (const [mine, wanted] of [
      [own.samIou, samIou],
      [own.objectScore, objectScore],
    ] as const)
      // prettier-ignore
      if (wanted === undefined) expect(mine).toBeUndefined();
      else expect(mine).toBeCloseTo(wanted, 3);
  }
}

describe.each(['sam', 'dino'] as const)('the engine of a page with SAM 2 and the backbone %s', (backbone) => {
  it('answers as the engine of Node does, in a thread of Node', async () => {
    const models = await serveModels(join(root, 'models'));
    const engine = await createWebEngine({ model: `${models.url}${backbone}`, worker: startNodeWebWorker });
    const here: Said[] = [];
    for (const [i, method] of METHODS.entries()) {
      const { masks, cached } = await engine.predict(target.image, references, { method });
      expect(cached).toBe(i > 0);
      here.push({ mask: masks[0]?.mask.data as Uint8Array, samIou: masks[0]?.quality.samIou, objectScore: undefined });
    }
    for (const clicks of CLICKS) {
      const { masks } = await engine.refine(target.image, clicks);
      here.push(...masks.map(({ mask, samIou, objectScore }) => ({ mask: mask.data, samIou, objectScore })));
    }
    await engine.close();
    await models.close();
    expectSame(here, await nodeSays(backbone));
  });
});

describe.skipIf(!hasChromium)(`SAM 2 ${chromiumLabel}`, () => {
  let browser: Browser;
  let server: PageServer;
  beforeAll(async () => {
    const folder = join(root, 'page');
    mkdirSync(folder);
    await build({
      entryPoints: { main: 'test/unit/core/sam2/engine-page.ts', 'web-worker': 'src/web-worker.ts' },
      ...{ outdir: folder, bundle: true, splitting: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'warning' },
      conditions: ['onnxruntime-web-use-extern-wasm'],
    });
    writeFileSync(join(folder, 'index.html'), '<!doctype html><title>engine</title><script type="module" src="./main.js"></script>');
    symlinkSync(dirname(createRequire(import.meta.url).resolve('onnxruntime-web')), join(folder, 'ort'));
    cpSync(join(root, 'models'), join(folder, 'models'), { recursive: true });
    server = await servePage(folder);
    browser = await startChromium(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const sent = ({ image: { data, width }, truth }: SceneWithTruth): SentScene => {
    const [image, mask] = [data, truth.data].map((bytes) => Buffer.from(bytes).toString('base64')) as [string, string];
    return { image, mask, side: width };
  };
  const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
  const ask = <K extends keyof EnginePage>(page: Page, name: K, ...given: Parameters<EnginePage[K]>): ReturnType<EnginePage[K]> =>
    page.evaluate(
      ([method, args]) => {
        const { prosam } = globalThis as unknown as { prosam: Record<string, (...all: unknown[]) => Promise<unknown>> };
        return (prosam[method] as (...all: unknown[]) => Promise<unknown>)(...args);
      },
      [name, given] as [string, unknown[]],
    ) as ReturnType<EnginePage[K]>;

  async function pageSays(device: WebDevice, backbone: 'sam' | 'dino', methods: readonly (typeof METHODS)[number][]): Promise<Said[]> {
    const page = await browser.newPage();
    await page.goto(server.url, { waitUntil: 'load' });
    expect(await ask(page, 'open', device, `./models/${backbone}/`)).toBe(device);
    const said: Said[] = [];
    for (const [i, method] of methods.entries()) {
      const { mask, samIou, cached } = await ask(page, 'predict', sent(target), sent(reference), method);
      expect(cached).toBe(i > 0);
      said.push({ mask: bytesOf(mask), samIou, objectScore: undefined });
    }
    for (const clicks of CLICKS) {
      const masks = await ask(page, 'refine', sent(target), clicks);
      said.push(...masks.map(({ mask, samIou, objectScore }) => ({ mask: bytesOf(mask), samIou, objectScore })));
    }
    await ask(page, 'close');
    await page.close();
    return said;
  }

  it.each(['sam', 'dino'] as const)('answers on WebAssembly (software) as Node does, with the backbone %s', async (backbone) => {
    expectSame(await pageSays('wasm', backbone, METHODS), await nodeSays(backbone));
  });

  it('answers on WebGPU (SwiftShader: software) as Node does', async () => {
    const [prosam, , , ...clicks] = await nodeSays('sam');
    expectSame(await pageSays('webgpu', 'sam', ['prosam']), [prosam as Said, ...clicks], 0.99);
  });
});
