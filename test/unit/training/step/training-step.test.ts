import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { promptEncoderConfigSchema, samConfigSchema } from '../../../../src/core/checkpoint/config-schema.ts';
import type { FloatTensor } from '../../../../src/core/checkpoint/read-tensors.ts';
import type { PromptEncoderConfig } from '../../../../src/core/networks/config.ts';
import { loadTrainingEngine } from '../../../../src/training/tfjs/engine.ts';
import { promptEncoderShapes } from '../../../../src/training/step/parameters.ts';
import { createPromptDecoder, type PromptDecoder } from '../../../../src/training/step/prompt-decoder.ts';
import type { Tf } from '../../../../src/training/tfjs/tfjs-ops.ts';
import { trainingStep, type StepResult } from '../../../../src/training/step/training-step.ts';
import { GoldenCase, openGoldenSet, readTensors, type CaseEntry } from '../../../golden/golden-set.ts';
import { NODE_ENGINE_LABEL, nodeEngineHere } from '../node-engine.ts';

const set = openGoldenSet('test/golden/data');
const golden = new GoldenCase(set, set.manifest.cases.find(({ name }) => name === 'train_gradients_student_t') as CaseEntry);
const weights = (name: string) =>
  readTensors(join(set.dir, (set.manifest.weights[name] as { file: string }).file)) as Map<string, FloatTensor>;
const encoderName = golden.entry.weights.find((name) => name.startsWith('prompt_encoder_')) as string;
const encoder: PromptEncoderConfig = promptEncoderConfigSchema.parse(set.manifest.weights[encoderName]?.config);
const stored = weights(encoderName);
const parameters = new Map([...promptEncoderShapes(encoder).keys()].map((name) => [name, stored.get(name) as FloatTensor]));
const images = golden.floats('gt').shape[0] as number;

/** Item i of an axis, which is kept; everything where i is undefined. */
function only({ data, shape }: FloatTensor, axis: number, i: number | undefined): FloatTensor {
  if (i === undefined) return { data, shape };
  const size = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const lead = shape.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const out = new Float32Array(lead * size);
  for (let k = 0; k < lead; k++) out.set(data.subarray((k * (shape[axis] as number) + i) * size).subarray(0, size), k * size);
  return { data: out, shape: shape.map((dim, at) => (at === axis ? 1 : dim)) };
}

/** A step on all images of the case, or on one of them alone. */
function step(tf: Tf, decoder: PromptDecoder, chunk: number, image?: number): StepResult {
  const given = (name: string, axis = 0): FloatTensor => only(golden.floats(name), axis, image);
  const batch = {
    referenceMid: given('feat_ref_mid'),
    targetMid: given('feat_tgt_mid'),
    referenceMask: given('feat_ref_mask'),
    pseudo: given('feat_pseudo'),
    image: { embedding: given('image_embeddings') },
    truth: given('gt'),
    channelFactors: given('channel_factors', 1),
  };
  const distribution = { kind: 'student_t', nu: golden.param('nu') as number, n: encoder.dim } as const;
  const noise = { eps: given('eps', 1).data, delta: given('delta', 1).data };
  return trainingStep(tf, decoder, { encoder, distribution, chunk }, parameters, batch, noise);
}

/** Largest deviation as a share of the tensor's largest value. */
function deviation(actual: Float32Array, expected: Float32Array): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))), 0) / scale;
}

function expectSame(actual: ReadonlyMap<string, Float32Array>, expected: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of expected) {
    // Keys share their bias, so its slope is nothing but rounding.
    const third = values.length / 3;
    const parts = name.endsWith('in_proj_bias') ? [0, 2 * third] : [0];
    const size = parts.length === 2 ? third : values.length;
    for (const from of parts) {
      const off = deviation((actual.get(name) as Float32Array).subarray(from, from + size), values.subarray(from, from + size));
      expect(off, name).toBeLessThan(1e-3);
    }
  }
}

describe.each(['wasm', 'node'] as const)('a training step on %s', (name) => {
  const here = name === 'wasm' || nodeEngineHere;
  let tf: Tf;
  let decoder: PromptDecoder;
  beforeAll(async () => {
    if (!here) return;
    ({ tf } = await loadTrainingEngine(name));
    const sam = weights('sam');
    decoder = createPromptDecoder(tf, (key) => sam.get(key) as FloatTensor, samConfigSchema.parse(set.manifest.weights['sam']?.config));
  });

  it.skipIf(!here)(`of one image at a time gives the mean of the batch's gradients (${here ? name : NODE_ENGINE_LABEL})`, () => {
    const whole = step(tf, decoder, 3);
    const single = Array.from({ length: images }, (_, i) => step(tf, decoder, 3, i));
    expect(images).toBeGreaterThan(1);
    expect(single.reduce((sum, { loss }) => sum + loss, 0) / images).toBeCloseTo(whole.loss, 5);
    const mean = new Map(
      [...whole.gradients].map(([key, values]) => [
        key,
        values.map((_, i) => single.reduce((sum, { gradients }) => sum + (gradients.get(key)?.[i] as number), 0) / images),
      ]),
    );
    expectSame(mean, whole.gradients);
  });

  it.skipIf(!here).each([1, 2, 100])('decodes %i prompt sets at once to the same gradients', (chunk) => {
    expectSame(step(tf, decoder, chunk).gradients, step(tf, decoder, 3).gradients);
  });

  it.skipIf(!here)('leaves nothing behind on the device', () => {
    step(tf, decoder, 3);
    const before = tf.memory().numTensors;
    step(tf, decoder, 3);
    expect(tf.memory().numTensors).toBe(before);
  });
});
