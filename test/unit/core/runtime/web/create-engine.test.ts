/** The engine of pages, with its worker's script in a thread of Node and ONNX Runtime on WebAssembly (software). */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../../src/scenes/scene-with.ts';
import { iou } from '../../../../../src/core/mask/metrics.ts';
import { createEngine } from '../../../../../src/index.ts';
import { createWebEngine, type LoadProgress, type WebEngine } from '../../../../../src/web.ts';
import { expectRejection } from '../../expect-error.ts';
import { serveModels, startNodeWebWorker, type NodeWebWorker } from '../worker-in-node.ts';

let seed = 20_018;
const [reference, target] = [sceneWith(17, () => seed++), sceneWith(17, () => seed++)];
const references = [{ image: reference.image, mask: reference.truth }];

let models: Awaited<ReturnType<typeof serveModels>>;
let engine: WebEngine;
const workers: NodeWebWorker[] = [];
const heard: LoadProgress[] = [];
const worker = (): NodeWebWorker => {
  workers.push(startNodeWebWorker());
  return workers.at(-1) as NodeWebWorker;
};

describe('the engine of a page', () => {
  beforeAll(async () => {
    models = await serveModels();
    engine = await createWebEngine({ model: `${models.url}tiny`, worker, onProgress: (progress) => heard.push(progress) });
  });
  afterAll(async () => {
    await engine.close();
    await models.close();
  });

  it('says what computes, and why nothing better does', () => {
    expect(engine.info).toMatchObject({
      device: 'wasm',
      threads: { count: 1, by: 'default' },
      methods: ['prosam', 'persam', 'nearest', 'refined', 'pieces', 'pseudo', 'gf-sam', 'persam-paper', 'persam-f', 'matcher'],
    });
    expect(engine.info.devices).toEqual([
      { device: 'webgpu', used: false, reason: 'this browser does not offer WebGPU to this page' },
      { device: 'wasm', used: true, reason: 'it runs everywhere' },
    ]);
    expect(heard.at(-1)?.loaded).toBe(3_508_640);
  });

  it('answers as the engine of Node does', async () => {
    const there = await createEngine({ model: 'tiny', device: 'cpu' });
    const options = { method: 'prosam', uncertaintyMap: true } as const;
    const [here, expected] = [
      await engine.predict(target.image, references, options),
      await there.predict(target.image, references, options),
    ];
    expect(here.model).toBe(expected.model);
    expect(here.device).toBe('wasm');
    const [a, b] = [here.masks[0], expected.masks[0]];
    expect(iou(a?.mask.data ?? new Uint8Array(), b?.mask.data ?? new Uint8Array())).toBeGreaterThan(0.999);
    expect(a?.quality.score).toBeCloseTo(b?.quality.score ?? NaN, 4);
    expect((await engine.prepare(target.image)).key).toBe((await there.prepare(target.image)).key);
    expect((await engine.refine(target.image, { points: [{ x: 100, y: 100 }] })).masks.length).toBe(3);
    expect((await engine.referenceMask(references[0] as (typeof references)[0])).area).toBeGreaterThan(500);
    expect((await engine.embedObject(references[0] as (typeof references)[0])).length).toBeGreaterThan(10);
    await there.close();
  });

  it('refuses with the same codes, and goes on', async () => {
    await expectRejection('REFERENCE_MISSING', engine.predict(target.image, []));
    await expectRejection('URL_REFUSED', engine.prepare('https://elsewhere.example/picture.png'), /own origin/);
    await expectRejection('OPTION_INVALID', engine.prepare((() => undefined) as never), /can be sent to a worker/);
    expect(workers.length).toBe(1);
    expect((await engine.prepare(target.image)).width).toBe(256);
  });

  it('looks for a concept in many targets, and closes with its block', async () => {
    const found = [];
    {
      await using own = await createWebEngine({ model: `${models.url}tiny`, worker, threads: 'auto' });
      const cup = await own.concept(references, { method: 'nearest' });
      for await (const { index, prediction } of cup.predictMany([target.image, reference.image])) found.push([index, prediction?.width]);
    }
    expect(found).toEqual([[0, 256], [1, 256]]); // prettier-ignore
  });

  it('gives up a call when it is told to', async () => {
    const stop = new AbortController();
    const asked = engine.predict(sceneWith(3, () => 5).image, references, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    expect((await engine.prepare(target.image)).width).toBe(256);
  });

  it('replaces a worker that failed, prompt encoders and all; only what was asked of it is lost', async () => {
    const file = new Uint8Array(readFileSync('models/tiny/prompt-encoder.safetensors'));
    await engine.loadPromptEncoder('kept', file);
    const started = workers.length;
    const worker = workers[0] as NodeWebWorker;
    const sent = worker.nextPost();
    const lost = engine.predict(target.image, references);
    await sent;
    worker.crash();
    await expectRejection('ENGINE_CRASHED', lost, /out of memory\. The next call starts another one/);
    const [one, two] = await Promise.all([
      engine.predict(target.image, references, { method: 'prosam', promptEncoder: 'kept' }),
      engine.predict(target.image, references, { method: 'nearest' }),
    ]);
    expect([one.masks.length, two.masks.length]).toEqual([1, 1]);
    expect(workers.length).toBe(started + 1);
    await engine.unloadPromptEncoder('kept');
    await expectRejection('VERSION_NOT_FOUND', engine.predict(target.image, references, { promptEncoder: 'kept' }));
  });

  it('does what docs/browser.md shows', async () => {
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync('docs/browser.md', 'utf8')) ?? [];
    const program = `${example.replace(/^import .*$/m, '')}\nawait engine.close(); return masks[0].uncertaintyMap.length;`;
    const here: typeof createWebEngine = (options) => createWebEngine({ ...options, model: `${models.url}tiny`, worker });
    const AsyncFunction = (async () => Promise.resolve()).constructor as new (
      ...code: string[]
    ) => (...given: unknown[]) => Promise<unknown>;
    const said: unknown[] = [];
    const console = { log: (...words: unknown[]) => void said.push(words) };
    const run = new AsyncFunction('createWebEngine', 'cupFile', 'shelfFile', 'console', program);
    expect(await run(here, reference.image, target.image, console)).toBe(65_536);
    expect(said.at(-1)).toMatchObject(['wasm', expect.any(Number), { width: 256, height: 256 }]);
  });

  it('is refused with words where the model or the device is not there', async () => {
    await expectRejection('MODEL_NOT_FOUND', createWebEngine({ model: `${models.url}none`, worker }), /none\/manifest\.json/);
    await expectRejection('OPTION_INVALID', createWebEngine({ model: `${models.url}tiny`, worker, device: 'cuda' as never }), /"cuda"/);
    await expectRejection('DEVICE_UNAVAILABLE', createWebEngine({ model: `${models.url}tiny`, worker, device: 'webgpu' }), /webgpu/);
    const signal = AbortSignal.abort(new Error('not any more'));
    await expect(createWebEngine({ model: `${models.url}tiny`, worker, signal })).rejects.toThrow('not any more');
  });

  it('refuses what comes after close, and closes twice', async () => {
    const closing = await createWebEngine({ model: `${models.url}tiny`, worker, device: 'wasm' });
    expect(closing.info.devices).toEqual([{ device: 'wasm', used: true, reason: 'it was asked for' }]);
    const last = closing.prepare(target.image);
    await closing.close();
    expect((await last).width).toBe(256); // what ran has ended first
    await closing.close();
    await expectRejection('ENGINE_CLOSED', closing.prepare(target.image));
  });
});
