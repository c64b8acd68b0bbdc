/** Cases of SAM 2's gradients, on TensorFlow.js. */
import { join } from 'node:path';
import { samTensors } from '../../src/core/checkpoint/names/sam.ts';
import { openCheckpoint } from '../../src/core/checkpoint/open-checkpoint.ts';
import { readFloatTensors } from '../../src/core/checkpoint/read-tensors.ts';
import { gridSize } from '../../src/core/networks/config.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import { createPromptDecoder } from '../../src/training/step/prompt-decoder.ts';
import { tfjsOps } from '../../src/training/tfjs/tfjs-ops.ts';
import { weightsFrom } from '../../src/core/networks/ops.ts';
import type * as tfjs from '@tensorflow/tfjs-core';
import type { CaseRunners } from './cases.ts';
import { execute } from './execute.ts';
import type { GoldenCase } from './golden-set.ts';

import { configOf, decode, features, highResOf, weightsName } from './sam2-inputs.ts';

/** SAM's tensors by the networks' names. */
async function tensorsOf(golden: GoldenCase): Promise<Map<string, Tensor>> {
  const { dir, manifest } = golden.set;
  const file = await openCheckpoint(join(dir, (manifest.weights[weightsName(golden)] as { file: string }).file));
  return readFloatTensors({ ...file, tensors: samTensors(file.tensors, weightsName(golden)) });
}

/** SAM's view of the case's images as the trainer has it, the finer maps in the decoder's order. */
async function trainerView(golden: GoldenCase) {
  const config = configOf(golden);
  const grid = gridSize(config);
  const { highRes0, highRes1 } = await execute(golden.set, undefined, features(golden), (ops, _, i) => ({ ...highResOf(ops, i) }));
  const c = config.outChans;
  return {
    embedding: golden.floats('image_embeddings'),
    highRes0: { data: (highRes0 as Tensor).data, shape: [-1, 16 * grid * grid, c / 8] },
    highRes1: { data: (highRes1 as Tensor).data, shape: [-1, 4 * grid * grid, c / 4] },
  };
}

/** Cases of gradients, on TensorFlow.js. */
export const sam2TrainingCases: CaseRunners = {
  sam2_mask_decoder_grad: async (golden) => {
    const { tf } = golden.set.engines;
    if (tf === undefined) throw new Error('needs a training engine');
    const tensors = await tensorsOf(golden);
    const decoder = createPromptDecoder(tf, (name) => tensors.get(name) as Tensor, configOf(golden));
    const [prompts, truth] = [golden.floats('prompts'), golden.floats('gt')];
    const [images, sets] = [truth.shape[0] as number, prompts.shape[0] as number];
    const side = golden.entry.expected['low_res_logits']?.shape.at(-1) as number;
    const view = await trainerView(golden);
    const rows = view.embedding.shape[0] as number;
    const given = {
      embedding: view.embedding,
      highRes0: { ...view.highRes0, shape: [rows, ...view.highRes0.shape.slice(1)] },
      highRes1: { ...view.highRes1, shape: [rows, ...view.highRes1.shape.slice(1)] },
    };
    const targets = decoder.targets(given, truth);
    const { bce, dice, gradient } = targets.lossAndGradient(prompts);
    const low = decoder.targets(given, { data: new Float32Array(images * side * side), shape: [images, side, side] });
    const logits = low.logits(prompts);
    targets.dispose();
    low.dispose();
    decoder.dispose();
    const loss = bce.reduce((sum, value, b) => sum + value + (dice[b] as number), 0) / sets;
    return { loss: [loss], low_res_logits: logits, grad_prompts: gradient };
  },
  sam2_mask_decoder_vjp: async (golden) => {
    const { tf } = golden.set.engines;
    if (tf === undefined) throw new Error('needs a training engine');
    const tensors = await tensorsOf(golden);
    const config = configOf(golden);
    const kept = new Map<string, ReturnType<typeof tf.tensor>>();
    const weights = weightsFrom((name) => {
      const { data, shape } = tensors.get(name) as Tensor;
      const tensor = kept.get(name) ?? tf.keep(tf.tensor(data, [...shape]));
      kept.set(name, tensor);
      return tensor;
    });
    const upload = ({ data, shape }: Tensor) => tf.tensor(data, [...shape]);
    const gradient = tf.tidy(() => {
      const inputs = Object.fromEntries(Object.entries(features(golden)).map(([name, value]) => [name, upload(value)]));
      const cotangent = (name: string) => upload(golden.floats(`cot_${name}`));
      const total = (prompts: ReturnType<typeof tf.tensor>) => {
        const ops = tfjsOps(tf, { frozenWeights: true });
        const out = decode(ops, weights, config, inputs, prompts, 'all');
        const token = (x: ReturnType<typeof tf.tensor>, from: number, to: number) => ops.slice(x, 1, from, to);
        const pairs = [
          [token(out.logits, 0, 1), 'low_res_logits'],
          [token(out.iou, 0, 1), 'iou'],
          [token(out.logits, 1, 4), 'multimask_logits'],
          [token(out.iou, 1, 4), 'multimask_iou'],
          [out.objectScore, 'object_score_logits'],
        ] as const;
        return tf.addN<tfjs.Scalar>(pairs.map(([x, name]) => tf.sum(tf.mul(x as never, cotangent(name)))));
      };
      return tf.grad(total)(upload(golden.floats('prompts')));
    });
    const values = gradient.dataSync();
    tf.dispose([gradient, ...kept.values()]);
    return { grad_prompts: values };
  },
};
