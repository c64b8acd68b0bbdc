/**
 * One training step, top to bottom: noise -> prompt encoder -> K prompt sets -> frozen mask decoder -> loss -> gradients -> new weights.
 *
 * The objective is the expected loss over prompts z ~ q(z | I_r, M_r, I_t) (paper, equations 8 and 9), estimated by the mean over K
 * samples (equation 10); the loss of one mask is BCE + Dice (equation 4, mask-loss.ts).
 *
 * One tape for all of it would keep K decoder graphs alive. The samples are decoded a chunk at a time instead and dL/dz is added up; as
 * mu and log sigma are shared by all samples, one backward pass through the prompt encoder then gives the same gradient in a fraction of
 * the memory. B reference-target pairs, m prompts of c values each, K samples, masks of S x S pixels.
 */
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import type { Random } from '../../core/common/random.ts';
import { drawNoise, noiseScale, samplePrompts, type DistributionConfig, type Noise } from '../../core/networks/prompt-distribution.ts';
import type { PromptEncoderConfig } from '../../core/networks/config.ts';
import type { SamFeatures } from '../../core/onnx/networks.ts';
import { COARSE_WEIGHT, coarseLoss } from './coarse-loss.ts';
import { encoderGradients, type EncoderBatch } from './encoder-gradients.ts';
import { adamWStep, type AdamWState } from '../../core/common/adamw.ts';
import type { PromptDecoder } from './prompt-decoder.ts';
import type { Tf } from '../tfjs/tfjs-ops.ts';

/** Frozen inputs of a batch of B reference-target pairs. */
export interface TrainingBatch extends EncoderBatch {
  /** SAM's view of the targets: embeddings [B, c, g, g], and SAM 2's finer maps. */
  image: SamFeatures;
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
  /** Mean over samples and images of BCE + Dice, and the coarse mask's share; then each part's mean. */
  loss: number;
  bce: number;
  dice: number;
  /** Loss of the coarse mask, which counts half, where the encoder has one. */
  coarse?: number;
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

/** Random inputs of one training step. */
export interface StepNoise {
  /** eps [K, B * m, c], delta [K, B * m] */
  noise: Noise;
  /** Dropout2d: 0 or 1 / (1 - p) per channel, target first. [2, B, c]; absent where nothing is dropped */
  channelFactors?: FloatTensor;
}

/** eps ~ N(0, I) and delta ~ chi^2(nu + n) of equation 6, and the channels that Dropout2d drops. samples: K, images: B */
export function drawStep(
  { dim, numPrompts, dropout2d }: PromptEncoderConfig,
  distribution: DistributionConfig,
  samples: number,
  images: number,
  random: Random,
): StepNoise {
  const noise = drawNoise(distribution, samples, images * numPrompts, dim, random);
  if (dropout2d === 0) return { noise };
  const data = Float32Array.from({ length: 2 * images * dim }, () => (random() < dropout2d ? 0 : 1 / (1 - dropout2d)));
  return { noise, channelFactors: { data, shape: [2, images, dim] } };
}

/**
 * Loss and gradients. noise: eps [K, B * m, c], delta [K, B * m]
 */
export function trainingStep(
  tf: Tf,
  decoder: PromptDecoder,
  { encoder, distribution, chunk }: StepSettings,
  parameters: ReadonlyMap<string, FloatTensor>,
  batch: TrainingBatch,
  noise: Noise,
): StepResult {
  let result: Omit<StepResult, 'gradients'> | undefined;
  // Forward through the prompt encoder: q(z | I_r, M_r, I_t), mu and log sigma [B, m, c] (section 4.2, eq. 5).
  const gradients = encoderGradients(tf, encoder, batch, parameters, ({ mu, logSigma, coarse }) => {
    // Sampling of figure 3, then the loss and the backward pass.
    const z = samplePrompts(distribution, mu, logSigma, noise, encoder.dim); // z_k = g(mu, sigma, delta_k, eps_k) [K, B, m, c] (eqs. 6, 7)
    const map = coarse && { data: coarse, shape: batch.pseudo.shape };
    const { gradZ, gradCoarse, bce, dice } = decodeAll(decoder, batch, { data: z, shape: [encoder.numPrompts, encoder.dim] }, map, chunk); // 1/K sum of L(f_M(z_k, F_I), M_t) and dL/dz [K, B, m, c] (eqs. 2, 4, 10)
    const { gradMu, gradLogSigma } = throughSampling(distribution, gradZ, logSigma, noise, encoder.dim); // dL/dmu, dL/dlog sigma [B, m, c] (eq. 7)
    result = { loss: bce + dice, bce, dice, mu, logSigma, gradMu, gradLogSigma, z, gradZ };
    if (map === undefined) return { mu: gradMu, logSigma: gradLogSigma };
    const own = coarseLoss(map, batch.truth);
    result = { ...result, loss: bce + dice + COARSE_WEIGHT * own.loss, coarse: own.loss };
    return {
      mu: gradMu,
      logSigma: gradLogSigma,
      coarse: gradCoarse.map((slope, i) => slope + COARSE_WEIGHT * (own.gradient[i] as number)),
    };
  }); // Backward through the prompt encoder: dL/dphi, by parameter name.
  return { ...(result as unknown as Omit<StepResult, 'gradients'>), gradients };
}

/** Rows [from, to) of a tensor's first axis. */
function rows({ data, shape }: FloatTensor, from: number, to: number): FloatTensor {
  const size = data.length / (shape[0] as number);
  return { data: data.subarray(from * size, to * size), shape: [to - from, ...shape.slice(1)] };
}

/** Rows [from, to) of SAM's view of several images. */
function imageRows({ embedding, highRes0, highRes1 }: SamFeatures, from: number, to: number): SamFeatures {
  return {
    embedding: rows(embedding, from, to),
    ...(highRes0 && { highRes0: rows(highRes0, from, to) }),
    ...(highRes1 && { highRes1: rows(highRes1, from, to) }),
  };
}

/**
 * Decodes every prompt set in calls of at most `chunk`: several whole images where their samples fit, else a part of one
 * image's samples. z: values [K, B, m, c] with the shape [m, c] of one set. coarse: [B, 1, h, w]
 */
function decodeAll(decoder: PromptDecoder, batch: TrainingBatch, z: FloatTensor, coarse: FloatTensor | undefined, chunk: number) {
  const images = batch.truth.shape[0] as number;
  const size = z.shape.reduce((product, dim) => product * dim, 1);
  const samples = z.data.length / (images * size);
  const share = 1 / (images * samples); // 1 / K of equation 10, and the mean over images
  const gradZ = new Float32Array(z.data.length);
  const gradCoarse = new Float32Array(coarse?.data.length ?? 0);
  const cells = gradCoarse.length / images;
  let [bce, dice] = [0, 0];
  // Alone, an image goes through what is the same for all of its samples (the fuser, layer 0's keys) once a call instead of once a sample.
  const group = decoder.sharesImages ? 1 : Math.max(1, Math.floor(chunk / samples));
  // As few calls as fit, all of about one size.
  const step = Math.ceil(samples / Math.ceil(samples / chunk));
  for (let first = 0; first < images; first += group) {
    const last = Math.min(first + group, images);
    const maps = coarse && rows(coarse, first, last);
    const targets = decoder.targets(imageRows(batch.image, first, last), rows(batch.truth, first, last), maps);
    for (let from = 0; from < samples; from += step) {
      const count = Math.min(step, samples - from);
      /** Offset in z of each row of this call, image after image. */
      const places: number[] = [];
      for (let image = first; image < last; image++) {
        for (let k = from; k < from + count; k++) places.push((k * images + image) * size);
      }
      const sets = new Float32Array(places.length * size);
      places.forEach((place, row) => sets.set(z.data.subarray(place, place + size), row * size));
      const part = targets.lossAndGradient({ data: sets, shape: [places.length, ...z.shape] });
      part.coarseGradient?.forEach((value, i) => {
        const at = first * cells + i;
        gradCoarse[at] = (gradCoarse[at] as number) + value * places.length * share;
      });
      places.forEach((place, row) => {
        bce += (part.bce[row] as number) * share;
        dice += (part.dice[row] as number) * share;
        // The decoder gives the gradient of the mean over its own rows.
        const gradient = part.gradient.subarray(row * size, (row + 1) * size);
        gradZ.set(
          gradient.map((value) => value * places.length * share),
          place,
        );
      });
    }
    targets.dispose();
  }
  return { gradZ, gradCoarse, bce, dice };
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
        const gradient = gradZ[k * size + i] as number;
        mu[i] = (mu[i] as number) + gradient;
        spread[i] = (spread[i] as number) + gradient * scale * (eps[k * size + i] as number);
      }
    }
  }
  return {
    gradMu: Float32Array.from(mu),
    gradLogSigma: Float32Array.from(spread, (value, i) => value * Math.exp(logSigma[i] as number)),
  };
}

export interface UpdateOptions {
  lr: number;
  weightDecay: number;
  clipNorm?: number | undefined;
  averageDecay?: number | undefined;
}

/** Norm over all parameters. */
export function gradientNorm(gradients: ReadonlyMap<string, Float32Array>): number {
  let sum = 0;
  for (const values of gradients.values()) for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** New weights in place: clipping, AdamW (section 5.1), moving average. norm: of the gradients */
export function update(
  parameters: ReadonlyMap<string, FloatTensor>,
  gradients: ReadonlyMap<string, Float32Array>,
  norm: number,
  state: AdamWState,
  average: ReadonlyMap<string, FloatTensor> | undefined,
  { lr, weightDecay, clipNorm = Infinity, averageDecay = 0 }: UpdateOptions,
): void {
  const shrink = norm > clipNorm ? clipNorm / norm : 1;
  const used = shrink === 1 ? gradients : new Map([...gradients].map(([name, values]) => [name, values.map((value) => value * shrink)]));
  adamWStep(parameters, used, state, lr, { weightDecay });
  for (const [name, { data }] of average ?? []) {
    const now = (parameters.get(name) as FloatTensor).data;
    for (let i = 0; i < data.length; i++) data[i] = averageDecay * (data[i] as number) + (1 - averageDecay) * (now[i] as number);
  }
}
