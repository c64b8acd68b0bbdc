/**
 * Our side of tools/bench/inference.ts, one stage on demand:
 *   inference-stages.ts MODEL_FOLDER INPUTS THREADS PRECISION
 * Lines in and out as those of pytorch_inference.py.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { pillowResize, type Raster } from '../../src/core/image/pillow-resize.ts';
import { IMAGENET, normalise } from '../../src/core/image/preprocess.ts';
import { emitWithFile } from '../../src/core/onnx/emit.ts';
import { backboneFinalGraph, backboneTrunkGraph, imageEncoderGraph } from '../../src/core/onnx/model-graphs.ts';
import { createNetworks, type ReferenceCode } from '../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import { openEngine } from '../../src/core/runtime/node/open-engine.ts';
import type { Precision } from '../../src/core/onnx/precision.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import type { PixelImage, Reference } from '../../src/core/engine/types.ts';
import { middle, PROMPTS, readInputs, SAMPLES, SIDE, WIDTH } from './inference-inputs.ts';

const [folder = '', inputsPath = '', threadCount = '0', precisionName = 'fp32'] = process.argv.slice(2);
const threads = Number(threadCount);
const precision = precisionName as Precision;
const inputs = readInputs(inputsPath);
const model = await openModel(folder);
const { manifest } = model;
const runtime = nodeRuntime({ threads });
const networks = createNetworks(model, runtime, { precision });

const { backbone: own, sam } = manifest;
if (!('file' in own)) throw new Error('expected a model with a backbone of its own');
const BACKBONE_SIDE = own.config.imageSize;
const square = (image: Raster, side: number): Tensor => ({
  data: normalise(side === image.width ? image : pillowResize(image, side, side), IMAGENET),
  shape: [1, 3, side, side],
});
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
};

const target = inputs.picture('target') as PixelImage & Raster;
const encoder = once(() => runtime.load(emitWithFile(imageEncoderGraph(manifest), model.sam, precision)));
const trunk = once(() => runtime.load(emitWithFile(backboneTrunkGraph(manifest), model.backbone, precision)));
const final = once(() => runtime.load(emitWithFile(backboneFinalGraph(manifest), model.backbone, precision)));

async function backbone(): Promise<Tensor[]> {
  const { mid, ...more } = (await (await trunk()).run({ image: square(target, BACKBONE_SIDE) })) as { mid: Tensor; state?: Tensor };
  const [, channels, rows, columns] = mid.shape as [number, number, number, number];
  const everything: Tensor = { data: new Float32Array(rows * columns).fill(1), shape: [1, 1, rows, columns] };
  // Of a ResNet f3 stands behind the 512 channels of f2.
  const state = more.state ?? { data: mid.data.subarray(512 * rows * columns), shape: [1, channels - 512, rows, columns] };
  const { high } = (await (await final()).run({ state, mask: everything })) as { high: Tensor };
  return [mid, state, high];
}

const maps = once(backbone);
const cells = inputs.floats('cells').data;
const reference = async (): Promise<ReferenceCode> => networks.encodeReference((await maps())[0] as Tensor, cells);
const code = once(reference);
const decode = async (sets: number): Promise<Tensor[]> => {
  const prompts = inputs.floats('prompts');
  const some = { data: prompts.data.subarray(0, sets * PROMPTS * WIDTH), shape: [sets, PROMPTS, WIDTH] };
  const finer = sam.config.sam2 && { highRes0: inputs.floats('highRes0'), highRes1: inputs.floats('highRes1') };
  const { logits, iou } = await networks.decodePrompts({ embedding: inputs.floats('embedding'), ...finer }, some);
  return [logits, iou];
};

/** A reference's features and a target's, which is what PyTorch's side holds as well. */
const CACHE_BYTES = 2 ** 27;
/** Engine opened as a user's program opens it. */
const engine = once(() => openEngine({ model: folder, threads, precision, cacheBytes: CACHE_BYTES }));
/** Differs in one value, for an engine computes no picture twice; by 0 for the first turn, whose outputs are compared. */
function altered(image: PixelImage, by: number): PixelImage {
  const data = new Uint8Array(image.data);
  data[0] = ((data[0] as number) + by) & 255;
  return { ...image, data };
}
const turns = { predict: 0, both: 0 };
const mask = { data: Uint8Array.from(middle(SIDE)), width: SIDE, height: SIDE };
const referenceOf = (image: PixelImage): Reference => ({ image, mask });
const noise = { eps: inputs.floats('eps').data, delta: new Float32Array(SAMPLES * PROMPTS).fill(1) };
const known = once(() => Promise.resolve(referenceOf(inputs.picture('reference'))));
async function predict(seen: PixelImage, marked: Reference): Promise<Tensor[]> {
  const { masks } = await (await engine()).predict(seen, [marked], { method: 'prosam', noise });
  const low = masks[0]?.lowResLogits as Float32Array;
  return [{ data: low, shape: [low.length] }];
}

const STAGES: Record<string, () => Promise<Tensor[]>> = {
  encoder: async () => Object.values(await (await encoder()).run({ image: square(target, SIDE) })),
  backbone,
  reference: async () => Object.values(await reference()) as Tensor[],
  similarity: async () => {
    const high = (await maps())[2] as Tensor;
    return [await networks.similarity(high, cells, high, 'none')];
  },
  target: async () => {
    const { mu, logSigma } = await networks.promptDistribution((await maps())[0] as Tensor, inputs.floats('pseudo'), await code());
    return [mu, logSigma as Tensor];
  },
  decoder1: () => decode(1),
  decoder5: () => decode(5),
  decoder10: () => decode(10),
  predict: async () => predict(altered(target, turns.predict++), await known()),
  both: () => {
    const by = turns.both++;
    return predict(altered(target, by && by + 128), referenceOf(altered(inputs.picture('reference'), by)));
  },
};

/** Most memory held so far. */
function peakBytes(): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? process.resourceUsage().maxRSS);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { stage, out } = JSON.parse(line) as { stage: string; out?: string };
  const cpu = process.cpuUsage();
  const started = performance.now();
  const outputs = await (STAGES[stage] as () => Promise<Tensor[]>)();
  const milliseconds = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  if (out !== undefined)
    writeFileSync(out, Buffer.concat(outputs.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))));
  const about = `ONNX Runtime, Node ${process.version}`;
  console.log(JSON.stringify({ milliseconds, cpuMilliseconds: (user + system) / 1000, peakBytes: peakBytes(), about }));
}
process.exit(0); // sessions need not be taken apart one by one
