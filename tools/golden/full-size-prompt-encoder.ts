/** The full-size prompt encoder: its maps and its distribution, and the loss and gradients behind SAM ViT-B's decoder. */
import type { Checkpoint } from '../../src/core/checkpoint/checkpoint.ts';
import { readFloatTensors, type FloatTensor } from '../../src/core/checkpoint/read-tensors.ts';
import { resizeNearest } from '../../src/core/mask/resize-map.ts';
import { backboneFinal, backboneTrunk } from '../../src/core/networks/backbone.ts';
import { PROMPT_ENCODER, RESNET50_DEEP, SAM_VIT_B } from '../../src/core/networks/config.ts';
import { pseudoMask } from '../../src/core/networks/pseudo-mask.ts';
import { encodeReference, encodeTarget } from '../../src/core/networks/variational-prompt-encoder.ts';
import type { NetworkDefinition } from '../../src/core/onnx/emit.ts';
import { markedCells } from '../../src/core/onnx/marked-cells.ts';
import type { Runtime, Tensor } from '../../src/core/onnx/session.ts';
import type { TrainingEngine } from '../../src/training/tfjs/engine.ts';
import { createPromptDecoder } from '../../src/training/step/prompt-decoder.ts';
import { trainingStep } from '../../src/training/step/training-step.ts';
import { executeOnnx } from '../../test/golden/execute.ts';
import type { FullSizeEngines } from './full-size-engines.ts';
import { hashedImage, hashedNoise, transposed } from '../../test/golden/hash-weights.ts';

type Named = Record<string, Tensor>;
type Inputs = Record<'referenceMid' | 'targetMid' | 'mask' | 'pseudo', Tensor>;

/** 1 inside the middle circle of half the side. [side, side] */
function disc(side: number): Float32Array {
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return ((2 * y - side) ** 2 + (2 * x - side) ** 2) * 4 < side ** 2 ? 1 : 0;
  });
}

/** Inputs of the encoder: the deep-stem ResNet-50's maps of an image with a marked disc, and of the same image transposed. */
async function encoderInputs(resnet: Checkpoint, runtime: Runtime): Promise<Inputs> {
  const config = RESNET50_DEEP;
  const side = config.imageSize;
  const trunk: NetworkDefinition = {
    name: 'trunk',
    inputs: { image: [1, 3, side, side] },
    build: (ops, weights, i) => {
      const { mid, state } = backboneTrunk(ops, weights, config, i['image'] as never);
      return { mid, state };
    },
  };
  const final: NetworkDefinition = {
    name: 'final stage',
    inputs: { state: [1, 1024, 64, 64], mask: [1, 1, 64, 64] },
    build: (ops, weights, i) => ({ high: backboneFinal(ops, weights, config, i['state'] as never, i['mask']) }),
  };
  const pixels = hashedImage(side);
  const reference = (await executeOnnx(trunk, resnet, { image: { data: pixels, shape: [1, 3, side, side] } }, runtime)) as Record<
    'mid' | 'state',
    Tensor
  >;
  const target = (await executeOnnx(
    trunk,
    resnet,
    { image: { data: transposed(pixels, side), shape: [1, 3, side, side] } },
    runtime,
  )) as Record<'mid' | 'state', Tensor>;
  const cells = { data: resizeNearest(disc(side), { width: side, height: side }, { width: 64, height: 64 }), shape: [1, 1, 64, 64] };
  const everything = { data: new Float32Array(64 * 64).fill(1), shape: [1, 1, 64, 64] };
  const referenceHigh = (await executeOnnx(final, resnet, { state: reference.state, mask: cells }, runtime))['high'] as Tensor;
  const targetHigh = (await executeOnnx(final, resnet, { state: target.state, mask: everything }, runtime))['high'] as Tensor;

  const match: NetworkDefinition = {
    name: 'pseudo mask',
    inputs: { cells: ['n', 2048], target: [1, 2048, 64, 64], floor: [1] },
    build: (ops, _, i) => ({ pseudo: pseudoMask(ops, i['cells'] as never, i['target'] as never, i['floor'] as never, 'none') }),
  };
  const marked = markedCells(referenceHigh, cells.data);
  const { pseudo } = (await executeOnnx(match, undefined, { ...marked, target: targetHigh }, runtime)) as { pseudo: Tensor };
  return { referenceMid: reference.mid, targetMid: target.mid, mask: cells, pseudo };
}

async function forward(file: Checkpoint, inputs: Inputs, runtime: Runtime): Promise<Named> {
  const encoder: NetworkDefinition = {
    name: 'prompt encoder',
    inputs: { referenceMid: [1, 1536, 64, 64], targetMid: [1, 1536, 64, 64], mask: [1, 1, 64, 64], pseudo: [1, 1, 64, 64] },
    build: <T>(ops: never, weights: never, i: Readonly<Record<string, T>>) => {
      const code = encodeReference<T>(ops, weights, PROMPT_ENCODER, { mid: i['referenceMid'] as T, mask: i['mask'] as T });
      const out = encodeTarget<T>(ops, weights, PROMPT_ENCODER, { ...code, mid: i['targetMid'] as T, pseudo: i['pseudo'] as T });
      return { F_r: code.enhanced, F_t: out.enhanced, mu: out.mu, log_sigma: out.logSigma as T };
    },
  };
  return executeOnnx(encoder, file, inputs, runtime);
}

/** K = 2 samples, Student-t with five degrees of freedom, no dropout; the target's truth is the transposed disc. */
async function gradients({ tf }: TrainingEngine, file: Checkpoint, sam: Checkpoint, inputs: Inputs): Promise<Named> {
  const names = [...sam.tensors.keys()].filter((name) => !name.startsWith('image_encoder.'));
  const samWeights = await readFloatTensors(sam, names);
  const decoder = createPromptDecoder(tf, (name) => samWeights.get(name) as FloatTensor, SAM_VIT_B);
  const [samples, side] = [2, RESNET50_DEEP.imageSize];
  const { numPrompts, dim } = PROMPT_ENCODER;
  const batch = {
    referenceMid: inputs.referenceMid,
    targetMid: inputs.targetMid,
    referenceMask: inputs.mask,
    pseudo: inputs.pseudo,
    image: { embedding: { data: hashedNoise('image_embedding', 256 * 64 * 64), shape: [1, 256, 64, 64] } },
    truth: { data: transposed(disc(side), side), shape: [1, side, side] },
  };
  const noise = {
    eps: hashedNoise('eps', samples * numPrompts * dim),
    delta: hashedNoise('delta', samples * numPrompts).map((value) => 261 + 20 * value),
  };
  const distribution = { kind: 'student_t', nu: 5, n: dim } as const;
  const parameters = await readFloatTensors(file);
  // Sample by sample, so that the gradient is put together from parts.
  const result = trainingStep(tf, decoder, { encoder: PROMPT_ENCODER, distribution, chunk: 1 }, parameters, batch, noise);
  decoder.dispose();
  const shapeOf = (name: string): readonly number[] => (parameters.get(name) as FloatTensor).shape;
  return {
    loss: { data: Float32Array.of(result.loss), shape: [1] },
    ...Object.fromEntries([...result.gradients].map(([name, data]) => [`grad.${name}`, { data, shape: shapeOf(name) }])),
  };
}

/** Without an engine the loss and its gradients are left out. */
export async function promptEncoder(
  file: Checkpoint,
  weightsFor: (model: 'resnet50_deep' | 'sam_vit_b') => Promise<Checkpoint>,
  { runtime, engine }: FullSizeEngines,
): Promise<Named> {
  const inputs = await encoderInputs(await weightsFor('resnet50_deep'), runtime);
  const outputs = await forward(file, inputs, runtime);
  return { pseudo: inputs.pseudo, ...outputs, ...(engine && (await gradients(engine, file, await weightsFor('sam_vit_b'), inputs))) };
}
