/**
 * Loss and gradients of one training step: prompt encoder -> distribution -> K prompt sets -> frozen mask decoder -> loss.
 * The expected loss of equations 8 and 9, approximated by the mean over K samples (paper, equation 10).
 *
 * Taping all of it at once would keep K decoder graphs alive. The samples are decoded a chunk at a time instead and dL/dz is
 * added up; as mu and log sigma are shared by all samples, one pass back through the prompt encoder then gives the same
 * gradient in a fraction of the memory.
 */
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { noiseScale, samplePrompts, type DistributionConfig, type Noise } from '../../core/networks/prompt-distribution.ts';
import type { PromptEncoderConfig } from '../../core/networks/config.ts';
import { encoderGradients, type EncoderBatch } from './encoder-gradients.ts';
import type { PromptDecoder } from './prompt-decoder.ts';
import type { Tf } from '../tfjs/tfjs-ops.ts';

/** Frozen inputs of a batch of B reference-target pairs. */
export interface TrainingBatch extends EncoderBatch {
  /** SAM's embeddings of the targets. [B, c, g, g] */
  embedding: FloatTensor;
  /** 0/1 at the size the loss is taken at. [B, S, S] */
  truth: FloatTensor;
}

export interface StepSettings {
  encoder: PromptEncoderConfig;
  distribution: DistributionConfig;
  /** Prompt sets decoded at once: bounds memory, changes no result. */
  chunk: number;
}

export interface StepResult {
  /** Mean over samples and images of BCE + Dice; then each part's mean. */
  loss: number;
  bce: number;
  dice: number;
  /** By parameter name. */
  gradients: Map<string, Float32Array>;
  /** [B, m, c] */
  mu: Float32Array;
  logSigma: Float32Array;
  gradMu: Float32Array;
  gradLogSigma: Float32Array;
  /** [K, B, m, c] */
  z: Float32Array;
  gradZ: Float32Array;
}

/** noise: eps [K, B * m, c], delta [K, B * m] */
export function trainingStep(
  tf: Tf,
  decoder: PromptDecoder,
  { encoder, distribution, chunk }: StepSettings,
  parameters: ReadonlyMap<string, FloatTensor>,
  batch: TrainingBatch,
  noise: Noise,
): StepResult {
  let result: Omit<StepResult, 'gradients'> | undefined;
  const gradients = encoderGradients(tf, encoder, batch, parameters, ({ mu, logSigma }) => {
    // Sampling of figure 3 (dashed there): z ~ q(z | I_r, M_r, I_t), as in equations 8 and 9.
    const z = samplePrompts(distribution, mu, logSigma, noise, encoder.dim);
    const { gradZ, bce, dice } = decodeAll(decoder, batch, { data: z, shape: [encoder.numPrompts, encoder.dim] }, chunk);
    const { gradMu, gradLogSigma } = throughSampling(distribution, gradZ, logSigma, noise, encoder.dim);
    result = { loss: bce + dice, bce, dice, mu, logSigma, gradMu, gradLogSigma, z, gradZ };
    return { mu: gradMu, logSigma: gradLogSigma };
  });
  return { ...(result as unknown as Omit<StepResult, 'gradients'>), gradients };
}

/** Rows [from, to) of a tensor's first axis. */
function rows({ data, shape }: FloatTensor, from: number, to: number): FloatTensor {
  const size = data.length / (shape[0] as number);
  return { data: data.subarray(from * size, to * size), shape: [to - from, ...shape.slice(1)] };
}

/**
 * Decodes every prompt set in calls of at most `chunk`: several whole images where their samples fit, else a part of one
 * image's samples. z: values [K, B, m, c] with the shape [m, c] of one set.
 */
function decodeAll(decoder: PromptDecoder, batch: TrainingBatch, z: FloatTensor, chunk: number) {
  const images = batch.truth.shape[0] as number;
  const size = z.shape.reduce((product, dim) => product * dim, 1);
  const samples = z.data.length / (images * size);
  const share = 1 / (images * samples); // 1 / K of equation 10, and the mean over images
  const gradZ = new Float32Array(z.data.length);
  let [bce, dice] = [0, 0];
  const group = Math.max(1, Math.floor(chunk / samples));
  const step = Math.min(chunk, samples);
  for (let first = 0; first < images; first += group) {
    const last = Math.min(first + group, images);
    const targets = decoder.targets(rows(batch.embedding, first, last), rows(batch.truth, first, last));
    for (let from = 0; from < samples; from += step) {
      const count = Math.min(step, samples - from);
      /** Where each row of this call, image after image, stands in z. */
      const places: number[] = [];
      for (let image = first; image < last; image++) {
        for (let k = from; k < from + count; k++) places.push((k * images + image) * size);
      }
      const sets = new Float32Array(places.length * size);
      places.forEach((place, row) => sets.set(z.data.subarray(place, place + size), row * size));
      const part = targets.lossAndGradient({ data: sets, shape: [places.length, ...z.shape] });
      places.forEach((place, row) => {
        bce += (part.bce[row] as number) * share;
        dice += (part.dice[row] as number) * share;
        // The decoder gives the slope of the mean over its own rows.
        const slope = part.gradient.subarray(row * size, (row + 1) * size);
        gradZ.set(
          slope.map((value) => value * places.length * share),
          place,
        );
      });
    }
    targets.dispose();
  }
  return { gradZ, bce, dice };
}

/** z = mu + sigma scale eps, so dL/dmu = sum of dL/dz and dL/dlog sigma = sum of dL/dz sigma scale eps, over the samples. */
export function throughSampling(
  distribution: DistributionConfig,
  gradZ: Float32Array,
  logSigma: Float32Array,
  { eps, delta }: Noise,
  width: number,
): { gradMu: Float32Array; gradLogSigma: Float32Array } {
  const size = logSigma.length;
  const samples = gradZ.length / size;
  const vectors = size / width;
  const mu = new Float64Array(size);
  const spread = new Float64Array(size);
  for (let k = 0; k < samples; k++) {
    for (let v = 0; v < vectors; v++) {
      const scale = noiseScale(distribution, delta[k * vectors + v] as number);
      for (let i = v * width; i < (v + 1) * width; i++) {
        const slope = gradZ[k * size + i] as number;
        mu[i] = (mu[i] as number) + slope;
        spread[i] = (spread[i] as number) + slope * scale * (eps[k * size + i] as number);
      }
    }
  }
  return {
    gradMu: Float32Array.from(mu),
    gradLogSigma: Float32Array.from(spread, (value, i) => value * Math.exp(logSigma[i] as number)),
  };
}
