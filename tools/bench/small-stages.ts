/**
 * Our side of `bench:inference -- --model small`, one stage on demand:
 *   small-stages.ts MODEL_FOLDER INPUTS THREADS PRECISION
 * Lines in and out as those of pytorch/small.py.
 */
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import type { PromptEncoderPlan } from '../../src/core/checkpoint/manifest.ts';
import type { Raster } from '../../src/core/image/pillow-resize.ts';
import { createNetworks } from '../../src/core/onnx/networks.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import { nodeRuntime } from '../../src/core/runtime/node/ort-node.ts';
import { PROMPTS, readInputs, WIDTH } from './inference-inputs.ts';
import { engineStages, once, serveStages, stageArguments, type Stages } from './stage-process.ts';

const given = stageArguments();
const inputs = readInputs(given.inputs);
const model = await openModel(given.folder);
const plan = model.manifest.prompt_encoder as PromptEncoderPlan;
const networks = createNetworks(model, nodeRuntime({ threads: given.threads }), { precision: given.precision });

const target = inputs.picture('target') as Raster;
const encode = () => networks.encode(target);
const maps = once(encode);
const cells = inputs.floats('cells').data;
const reference = async () => networks.encodeReference((await maps()).mid, cells);
const code = once(reference);
const view = { embedding: inputs.floats('embedding'), highRes0: inputs.floats('highRes0'), highRes1: inputs.floats('highRes1') };
const decode = async (sets: number): Promise<Tensor[]> => {
  const prompts = { data: inputs.floats('prompts').data.subarray(0, sets * PROMPTS * WIDTH), shape: [sets, PROMPTS, WIDTH] };
  const { logits, iou } = await networks.decodePrompts(view, prompts, inputs.floats('mask'));
  return [logits, iou];
};

const stages: Stages = {
  async encoder() {
    const { embedding, highRes0, highRes1, mid, high } = await encode();
    return [embedding, highRes0 as Tensor, highRes1 as Tensor, mid, high];
  },
  reference: async () => Object.values(await reference()) as Tensor[],
  async similarity() {
    const { high } = await maps();
    return [await networks.similarity(high, cells, high, plan.config.pseudoNorm)];
  },
  async target() {
    const { mu, logSigma, coarse } = await networks.promptDistribution((await maps()).mid, inputs.floats('pseudo'), await code());
    return [mu, logSigma as Tensor, coarse as Tensor];
  },
  decoder1: () => decode(1),
  decoder5: () => decode(5),
  decoder8: () => decode(8),
  ...engineStages(given, inputs, plan),
};
await serveStages(stages);
