/**
 * Measures training steps of a model on random features, in seconds of CPU time, which other programs on the machine change little
 * (docs/training/further.md):
 *   step-seconds.ts ENGINE [MODEL [PAIRS [SAMPLES]]]
 */
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../src/core/checkpoint/read-tensors.ts';
import { normal, seededRandom } from '../../src/core/common/random.ts';
import { modelFolder } from '../../src/core/runtime/node/open-engine.ts';
import { openPromptDecoder } from '../../src/training/step/open-decoder.ts';
import { chunkFor } from '../../src/training/step/prompt-decoder.ts';
import { drawStep, trainingStep, type TrainingBatch } from '../../src/training/step/training-step.ts';
import { loadTrainingEngine, type TrainingEngineName } from '../../src/training/tfjs/engine.ts';

const [engine, name = 'small', pairs = '2', samples = '4'] = process.argv.slice(2) as [TrainingEngineName, string?, string?, string?];
const STEPS = 3;

const { tf, about } = await loadTrainingEngine(engine);
const model = await openModel(modelFolder(name));
const { sam, prompt_encoder: encoder } = model.manifest;
if (encoder === undefined || model.promptEncoder === undefined)
  throw new Error(`${name}: expected a model with a prompt encoder, got none.`);
const decoder = await openPromptDecoder(tf, model);
const random = seededRandom(1);
const drawn = (...shape: number[]): FloatTensor => {
  const size = shape.reduce((product, dim) => product * dim, 1);
  return { data: Float32Array.from({ length: size }, () => normal(random)), shape };
};
const images = Number(pairs);
const { midChannels, dim } = encoder.config;
const side = sam.config.imageSize;
const grid = side / 16;
const distribution = { kind: encoder.distribution, nu: encoder.nu, n: dim };
const { noise, channelFactors } = drawStep(encoder.config, distribution, Number(samples), images, random);
const batch: TrainingBatch = {
  referenceMid: drawn(images, midChannels, grid, grid),
  targetMid: drawn(images, midChannels, grid, grid),
  referenceMask: { data: new Float32Array(images * grid ** 2).fill(1), shape: [images, 1, grid, grid] },
  pseudo: drawn(images, 1, grid, grid),
  image: {
    embedding: drawn(images, dim, grid, grid),
    ...(sam.config.sam2 && {
      highRes0: drawn(images, 16 * grid ** 2, dim / 8),
      highRes1: drawn(images, 4 * grid ** 2, dim / 4),
    }),
  },
  // A left part of the image is the object.
  truth: {
    data: Float32Array.from({ length: images * side ** 2 }, (_, i) => (i % side < 0.4 * side ? 1 : 0)),
    shape: [images, side, side],
  },
  ...(channelFactors && { channelFactors }),
};
const settings = { encoder: encoder.config, distribution, chunk: chunkFor(sam.config) };
console.log(`${about}: ${name}, ${pairs} pairs, ${samples} samples; the first step also prepares`);
for (let step = 0; step < STEPS; step++) {
  const before = process.cpuUsage();
  trainingStep(tf, decoder, settings, model.promptEncoder, batch, noise);
  const { user, system } = process.cpuUsage(before);
  console.log(`step ${step + 1}: ${((user + system) / 1e6).toFixed(2)} s`);
}
decoder.dispose();
