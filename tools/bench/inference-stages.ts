/**
 * Our side of tools/bench/inference.ts, one stage on demand:
 *   inference-stages.ts MODEL_FOLDER INPUTS THREADS PRECISION
 * Lines in and out as those of pytorch/inference.py.
 */
import type { PromptEncoderPlan } from '../../src/core/checkpoint/manifest.ts';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import { pillowResize, type Raster } from '../../src/core/image/pillow-resize.ts';
import { IMAGENET, normalise } from '../../src/core/image/preprocess.ts';
import { emitWithFile } from '../../src/core/onnx/emit.ts';
import { backboneFinalGraph, backboneTrunkGraph, imageEncoderGraph } from '../../src/core/onnx/model-graphs.ts';
import { createNetworks } from '../../src/core/onnx/networks.ts';
import type { ReferenceCode } from '../../src/core/onnx/prompt-encoder-networks.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import type { PixelImage } from '../../src/core/engine/types.ts';
import { PROMPTS, readInputs, SIDE, WIDTH } from './inference-inputs.ts';
import { engineStages, once, serveStages, stageArguments, type Stages } from './stage-process.ts';

const given = stageArguments();
const { threads, precision } = given;
const inputs = readInputs(given.inputs);
const model = await openModel(given.folder);
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

const stages: Stages = {
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
  ...engineStages(given, inputs, manifest.prompt_encoder as PromptEncoderPlan),
};
await serveStages(stages);
