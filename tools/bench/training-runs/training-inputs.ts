/** One full-size training step's weights and inputs as a file that every contestant reads: SAM ViT-B's decoder, ResNet-50's maps. */
import { writeFileSync } from 'node:fs';
import { openCheckpoint } from '../../../src/core/checkpoint/open-checkpoint.ts';
import { readFloatTensors, type FloatTensor } from '../../../src/core/checkpoint/read-tensors.ts';
import { safetensorsBytes, tensorToWrite } from '../../../src/core/checkpoint/formats/safetensors.ts';
import type { DistributionConfig, Noise } from '../../../src/core/networks/prompt-distribution.ts';
import { gridSize, PROMPT_ENCODER, SAM_VIT_B } from '../../../src/core/networks/config.ts';
import { samMaskDecoder } from '../../../src/core/networks/sam-mask-decoder.ts';
import { seededRandom, type Random } from '../../../src/core/common/random.ts';
import { defineNetwork, tensorsNeeded } from '../../../src/core/onnx/emit.ts';
import { initialParameters } from '../../../src/training/step/parameters.ts';
import { drawStep } from '../../../src/training/step/training-step.ts';
import type { TrainingBatch } from '../../../src/training/step/training-step.ts';

export const DISTRIBUTION: DistributionConfig = { kind: 'student_t', nu: 5, n: PROMPT_ENCODER.dim };
/** Side of the square the loss is taken at. */
const SIDE = 512;

export interface StepInputs {
  /** By SAM's names. */
  sam: Map<string, FloatTensor>;
  parameters: Map<string, FloatTensor>;
  batch: TrainingBatch;
  noise: Noise;
}

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function uniform(random: Random, shape: readonly number[], low: number, high: number): FloatTensor {
  return { data: Float32Array.from({ length: count(shape) }, () => low + (high - low) * random()), shape };
}

/** Random weights of a trained network's spread; only their sizes decide how long a step takes. */
function samWeights(random: Random): Map<string, FloatTensor> {
  const grid = gridSize(SAM_VIT_B);
  const inputs = { embedding: [1, SAM_VIT_B.outChans, grid, grid], prompts: ['R', 'm', SAM_VIT_B.outChans] };
  const decoder = defineNetwork('decoder', inputs, (ops, weights, i) => ({ ...samMaskDecoder(ops, weights, SAM_VIT_B, i, 'single') }));
  const out = new Map<string, FloatTensor>();
  for (const [name, shape] of tensorsNeeded(decoder)) {
    const bound = Math.sqrt(3 / count(shape.slice(1)));
    if (shape.length > 1) out.set(name, uniform(random, shape, -bound, bound));
    else out.set(name, name.endsWith('bias') ? uniform(random, shape, -0.05, 0.05) : uniform(random, shape, 0.9, 1.1));
  }
  return out;
}

/** samples: K; one image. */
export function writeStepInputs(path: string, samples: number): void {
  const random = seededRandom(321);
  const grid = gridSize(SAM_VIT_B);
  const map = (channels: number): number[] => [1, channels, grid, grid];
  const { noise, channelFactors } = drawStep(PROMPT_ENCODER, DISTRIBUTION, samples, 1, random);
  const vectors = PROMPT_ENCODER.numPrompts;
  const disc = (side: number, radius: number): Float32Array =>
    Float32Array.from({ length: side * side }, (_, i) =>
      Math.hypot((i % side) - side / 2, Math.floor(i / side) - side / 2) < radius ? 1 : 0,
    );
  const tensors: Record<string, FloatTensor> = {
    'in.referenceMid': uniform(random, map(PROMPT_ENCODER.midChannels), 0, 1),
    'in.targetMid': uniform(random, map(PROMPT_ENCODER.midChannels), 0, 1),
    'in.referenceMask': { data: disc(grid, grid / 4), shape: map(1) },
    'in.pseudo': uniform(random, map(1), 0, 1),
    'in.embedding': uniform(random, map(SAM_VIT_B.outChans), -1, 1),
    'in.truth': { data: disc(SIDE, SIDE / 4), shape: [1, SIDE, SIDE] },
    'in.eps': { data: noise.eps, shape: [samples, 1, vectors, PROMPT_ENCODER.dim] },
    'in.delta': { data: noise.delta, shape: [samples, 1, vectors] },
    'in.channelFactors': channelFactors as FloatTensor,
  };
  for (const [name, tensor] of samWeights(random)) tensors[`sam.${name}`] = tensor;
  for (const [name, tensor] of initialParameters(PROMPT_ENCODER, random)) tensors[`encoder.${name}`] = tensor;
  const entries = Object.entries(tensors).map(([name, { data, shape }]) => [name, tensorToWrite(data, shape)] as const);
  writeFileSync(path, safetensorsBytes(Object.fromEntries(entries)));
}

export async function readStepInputs(path: string): Promise<StepInputs> {
  const tensors = await readFloatTensors(await openCheckpoint(path));
  const under = (prefix: string): Map<string, FloatTensor> =>
    new Map([...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  const given = (name: string): FloatTensor => tensors.get(`in.${name}`) as FloatTensor;
  return {
    sam: under('sam.'),
    parameters: under('encoder.'),
    batch: {
      referenceMid: given('referenceMid'),
      targetMid: given('targetMid'),
      referenceMask: given('referenceMask'),
      pseudo: given('pseudo'),
      image: { embedding: given('embedding') },
      truth: given('truth'),
      channelFactors: given('channelFactors'),
    },
    noise: { eps: given('eps').data, delta: given('delta').data },
  };
}
