/** The paper's method: a distribution over prompts per reference, the mean (or samples) decoded by SAM. */
import { drawNoise, samplePrompts, type DistributionConfig, type Noise } from '../../networks/prompt-distribution.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import { ProsamError } from '../../common/errors.ts';
import type { PromptEncoderPlan } from '../../checkpoint/manifest.ts';
import type { FloatMap } from '../../mask/resize-map.ts';
import { seededRandom } from '../../common/random.ts';
import { createByteCache, type ByteCache } from '../../common/byte-cache.ts';
import type { PromptEncoderNetworks, ReferenceCode } from '../../onnx/networks.ts';
import type { Tensor } from '../../onnx/session.ts';
import { mergeLogits, type Strategy } from '../strategy.ts';
import type { PredictOptions } from '../types.ts';
import { sigmoid, type MethodContext, type MethodResult, type RunMethod } from './method.ts';

/** The public code's seed. */
const DEFAULT_SEED = 321;
const MERGE_SAMPLES = 10;
const UNCERTAINTY_SAMPLES = 4;

export interface EncodedReference {
  code: ReferenceCode;
  /** High-level map of the masked reference. */
  high: Tensor;
}

/** Encoded references of all prompt encoders of an engine, in one bounded place. */
export function createCodeCache(maxBytes: number): ByteCache<EncodedReference> {
  return createByteCache({
    maxBytes,
    sizeOf: ({ code, high }) => code.prototype.data.byteLength + code.queries.data.byteLength + high.data.byteLength,
  });
}

/** stages: those with this encoder's weights. id: of the weights among those that share `codes`. */
export function createProsamMethod(
  encoder: PromptEncoderPlan,
  stages: PromptEncoderNetworks,
  codes: ByteCache<EncodedReference>,
  id: string,
): RunMethod {
  const { config } = encoder;
  const encode = ({ networks }: MethodContext, { key, features, cells }: PreparedReference): Promise<EncodedReference> =>
    codes.get(`${id} ${key}`, async () => ({
      code: await stages.encodeReference(features.mid, cells),
      high: await networks.maskedHigh(features, cells),
    }));

  // The same seed asks for the same noise target after target.
  let drawn: { key: string; noise: Noise } | undefined;
  const noiseFor: NoiseSource = (distribution, samples, vectors, seed) => {
    const key = JSON.stringify([distribution, samples, vectors, seed]);
    if (drawn?.key !== key) drawn = { key, noise: drawNoise(distribution, samples, vectors, config.dim, seededRandom(seed)) };
    return drawn.noise;
  };

  /** Mean and log sigma of every reference's prompts, one after another. [n * m, c] each */
  const distributionOf = async (context: MethodContext, target: ImageFeatures, references: readonly PreparedReference[]) => {
    const size = config.numPrompts * config.dim;
    const mu = new Float32Array(references.length * size);
    const logSigma = new Float32Array(references.length * size);
    for (const [i, reference] of references.entries()) {
      const { code, high } = await encode(context, reference);
      context.lap('reference');
      const pseudo = await context.networks.similarity(high, reference.cells, target.high, config.pseudoNorm);
      const distribution = await stages.promptDistribution(target.mid, pseudo, code);
      mu.set(distribution.mu.data, i * size);
      if (distribution.logSigma) logSigma.set(distribution.logSigma.data, i * size);
      context.checkpoint();
    }
    context.lap('prompt');
    return { mu, logSigma };
  };

  return async (context, target, references, options) => {
    const { networks, features } = context;
    const { mu, logSigma } = await distributionOf(context, target, references);
    const prompts = promptSets(encoder, mu, logSigma, options, noiseFor);
    const decoded = await networks.decodePrompts(target.embedding, prompts);
    context.lap('decode');

    const side = decoded.logits.shape[3] as number;
    const maps = Array.from({ length: prompts.shape[0] as number }, (_, k): FloatMap => {
      return { data: decoded.logits.data.subarray(k * side * side, (k + 1) * side * side), width: side, height: side };
    });
    const result = maskOf(maps, options.strategy ?? 'mean_prompt', features.geometry, target);
    context.lap('resize');
    return { ...result, predictedIou: decoded.iou.data[0] as number };
  };
}

type NoiseSource = (distribution: DistributionConfig, samples: number, vectors: number, seed: number) => Noise;

/** Row 0 is the mean prompt of figures 2 and 3, which alone makes the mask by default; the samples follow. [1 + K, n * m, c] */
function promptSets(
  encoder: PromptEncoderPlan,
  mu: Float32Array,
  logSigma: Float32Array,
  options: PredictOptions,
  noiseFor: NoiseSource,
): Tensor {
  const { dim } = encoder.config;
  const vectors = mu.length / dim;
  const merging = options.strategy !== undefined && options.strategy !== 'mean_prompt';
  const asked = options.samples ?? (merging ? MERGE_SAMPLES : UNCERTAINTY_SAMPLES);
  if (merging && asked === 0)
    throw new ProsamError('OPTION_INVALID', `the strategy ${options.strategy} merges samples, but samples is 0. Ask for at least one.`);
  const config: DistributionConfig = {
    kind: options.distribution ?? encoder.distribution,
    nu: options.nu ?? encoder.nu,
    n: dim,
    // A factor chosen for one distribution says nothing about another.
    ...(options.distribution === undefined && { scale: encoder.noise_scale }),
  };
  // Without a sigma (VRP-SAM) or without noise every sample would be the mean again.
  const samples = config.kind === 'deterministic' || !encoder.config.probabilistic ? (merging ? 1 : 0) : asked;
  const noise = options.noise ?? noiseFor(config, samples, vectors, options.seed ?? DEFAULT_SEED);
  const count = noise.eps.length / mu.length;
  if (!Number.isInteger(count) || noise.delta.length !== count * vectors) {
    throw new ProsamError(
      'OPTION_INVALID',
      `noise: expected eps of K x ${vectors} x ${dim} values and delta of K x ${vectors}, got ${noise.eps.length} and ${noise.delta.length}.`,
    );
  }
  const data = new Float32Array((1 + count) * mu.length);
  data.set(mu);
  data.set(samplePrompts(config, mu, logSigma, noise, dim), mu.length);
  return { data, shape: [1 + count, vectors, dim] };
}

function maskOf(
  maps: readonly FloatMap[],
  strategy: Strategy,
  geometry: MethodContext['features']['geometry'],
  target: ImageFeatures,
): MethodResult {
  const [mean, ...samples] = maps as [FloatMap, ...FloatMap[]];
  const merge = (fields: readonly FloatMap[]): FloatMap =>
    strategy === 'mean_prompt'
      ? (fields[0] as FloatMap)
      : {
          ...(fields[0] as FloatMap),
          data: mergeLogits(
            fields.map(({ data }) => data),
            strategy,
          ),
        };
  const chosen = strategy === 'mean_prompt' ? [mean] : samples;
  const field = geometry.toImage(merge(chosen.map((map) => geometry.toSquare(map))), target.width, target.height);

  const spread = samples.length > 0 ? samples : [mean];
  const average = mean.data.map((_, i) => spread.reduce((sum, { data }) => sum + sigmoid(data[i] as number), 0) / spread.length);
  const decision = geometry.visible(merge(chosen), target.width, target.height);
  return {
    field,
    probability: geometry.visible({ ...mean, data: average }, target.width, target.height),
    decision: Uint8Array.from(decision.data, (value) => (value > 0 ? 1 : 0)),
    lowRes: mean.data.slice(),
  };
}
