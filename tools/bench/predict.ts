/**
 * Cost of a prediction with the built-in model:
 *   npm run bench:predict -- [--targets N] [--threads N] [--pytorch PYTHON]
 * --pytorch names a Python with PyTorch: the frozen networks are then timed there too, in turn with ours, and the ratio is
 * printed. Numbers are medians; machines differ, so compare ratios, not milliseconds.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sceneWith } from '../../src/scenes/scene-with.ts';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { createNetworks } from '../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import { createEngine } from '../../src/index.ts';
import { median } from './median.ts';
import { sceneJpeg } from './scene-jpeg.ts';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';

const { values } = parseArgs({ options: { targets: { type: 'string' }, threads: { type: 'string' }, pytorch: { type: 'string' } } });
const targets = Number(values.targets ?? 1000);
const threads = Number(values.threads ?? Math.min(2, cpus().length));

async function timed(runs: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await work(i);
    times.push(performance.now() - start);
  }
  return times;
}

function row(what: string, figure: string, note = ''): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(12)}  ${note}`);
}
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

function firstMask(): void {
  const runs = [1, 2, 3].map(() => Number(execFileSync(...dyingWithUs(process.execPath, ['tools/bench/first-mask.ts'])).toString()));
  row('start-up to the first mask (fresh process)', ms(median(runs)), 'wanted under 2000 ms');
}

async function calls(): Promise<void> {
  const engine = await createEngine({ model: 'tiny', threads });
  let seed = 50;
  const scene = sceneWith(3, () => seed++);
  const references = [{ image: scene.image, mask: scene.truth }];
  const predict = (image: Uint8Array) => engine.predict(image, references, { method: 'prosam' });
  const images: Uint8Array[] = [];
  for (let i = 0; i < 60; i++) images.push(await sceneJpeg(1000 + i));
  await predict(images[0] as Uint8Array);

  row(
    'new 640x480 JPEG, reference embedded: bytes to mask',
    ms(median(await timed(59, (i) => predict(images[i + 1] as Uint8Array)))),
    'wanted under 150 ms',
  );
  row('the same image again (embedded)', ms(median(await timed(59, () => predict(images[9] as Uint8Array)))));
  const click = (i: number) => engine.refine(images[9] as Uint8Array, { points: [{ x: 100 + i, y: 200 }] });
  row('a click on an embedded image (refine)', ms(median(await timed(60, click))), 'wanted under 30 ms');

  await engine.close();
}

/** Memory and throughput over many targets, in a process that does nothing else. */
function manyTargets(): void {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-bench-'));
  try {
    execFileSync(...dyingWithUs(process.execPath, ['tools/bench/many-targets.ts', 'draw', folder, String(targets)]));
    const measured = JSON.parse(
      execFileSync(...dyingWithUs(process.execPath, ['tools/bench/many-targets.ts', 'predict', folder, String(threads)])).toString(),
    ) as Record<'peak' | 'early' | 'late' | 'each' | 'block', number>;
    row(`${targets} targets: peak memory`, mb(measured.peak), 'wanted under 500 MB');
    row(`${targets} targets: memory after a fifth, after all`, `${mb(measured.early)}, ${mb(measured.late)}`, 'flat if equal');
    row(`${targets} targets: each`, ms(measured.each));
    row(`${targets} targets: longest block of the calling thread`, ms(measured.block), 'wanted under 50 ms');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function networksAgainstPytorch(): Promise<void> {
  const model = await openModel('models/tiny');
  const networks = createNetworks(model, nodeRuntime({ threads }));
  const scene = sceneWith(3, () => 11);
  const features = await networks.encode(scene.image);
  const prompts = (count: number) => ({ data: new Float32Array(count * 50 * 64).fill(0.1), shape: [count, 50, 64] });
  for (let i = 0; i < 5; i++) await networks.decodePrompts(features, prompts(5));
  const ours = {
    encoder: median(await timed(40, () => networks.encode(scene.image))),
    decoder1: median(await timed(40, () => networks.decodePrompts(features, prompts(1)))),
    decoder5: median(await timed(40, () => networks.decodePrompts(features, prompts(5)))),
  };
  await networks.close();
  const theirs =
    values.pytorch === undefined
      ? undefined
      : (JSON.parse(
          execFileSync(...dyingWithUs(values.pytorch, ['tools/bench/pytorch/tiny.py', 'models/tiny', String(threads)])).toString(),
        ) as Record<string, number>);
  const names = {
    encoder: 'image encoder, with normalisation',
    decoder1: 'mask decoder, 1 prompt set',
    decoder5: 'mask decoder, 5 prompt sets on one image',
  };
  for (const [name, what] of Object.entries(names)) {
    const own = ours[name as keyof typeof ours];
    const other = theirs?.[name];
    row(what, ms(own), other === undefined ? '' : `PyTorch ${ms(other)}; ours takes ${(own / other).toFixed(2)} of it`);
  }
  if (theirs === undefined) console.log('(PyTorch was not timed: name a Python that has it with --pytorch)');
}

console.log(`built-in model, ${threads} threads, Node ${process.version}, ${process.platform} ${process.arch}`);
firstMask();
await networksAgainstPytorch();
await calls();
manyTargets();
