/** Noise for the samples of one prediction: how many, from which distribution, drawn or given. */
import type { PromptEncoderPlan } from '../../checkpoint/manifest.ts';
import { ProsamError } from '../../common/errors.ts';
import { seededRandom } from '../../common/random.ts';
import { drawNoise, type DistributionConfig, type Noise } from '../../networks/prompt-distribution.ts';
import { DEFAULT_MERGE_SAMPLES, DEFAULT_SAMPLES, DEFAULT_SEED, DEFAULT_STRATEGY } from '../defaults.ts';
import type { PredictOptions } from '../types.ts';

/** size: values of the mean prompts, n m c. @throws OPTION_INVALID for noise of another size, and for merging of no samples */
export type NoiseSource = (size: number, options: PredictOptions) => { distribution: DistributionConfig; noise: Noise };

export function createNoiseSource({ config, distribution: trained, nu, noise_scale: scale }: PromptEncoderPlan): NoiseSource {
  const { dim } = config;
  // The same seed asks for the same noise target after target.
  let drawn: { key: string; noise: Noise } | undefined;
  const draw = (distribution: DistributionConfig, samples: number, vectors: number, seed: number): Noise => {
    const key = JSON.stringify([distribution, samples, vectors, seed]);
    if (drawn?.key !== key) drawn = { key, noise: drawNoise(distribution, samples, vectors, dim, seededRandom(seed)) };
    return drawn.noise;
  };

  return (size, options) => {
    const vectors = size / dim;
    const distribution: DistributionConfig = {
      kind: options.distribution ?? trained,
      nu: options.nu ?? nu,
      n: dim,
      // A factor chosen for one distribution says nothing about another.
      ...(options.distribution === undefined && { scale }),
    };
    // Without a sigma (VRP-SAM) or without noise every sample would be the mean again.
    const spreads = distribution.kind !== 'deterministic' && config.probabilistic;
    const noise = options.noise ?? draw(distribution, sampleCount(options, spreads), vectors, options.seed ?? DEFAULT_SEED);
    const count = noise.eps.length / size;
    if (Number.isInteger(count) && noise.delta.length === count * vectors) return { distribution, noise };
    throw new ProsamError(
      'OPTION_INVALID',
      `noise: expected eps of K x ${vectors} x ${dim} values and delta of K x ${vectors}, got ${noise.eps.length} and ${noise.delta.length}.`,
    );
  };
}

/** K */
function sampleCount({ strategy = DEFAULT_STRATEGY, samples }: PredictOptions, spreads: boolean): number {
  const merging = strategy !== 'mean_prompt';
  const asked = samples ?? (merging ? DEFAULT_MERGE_SAMPLES : DEFAULT_SAMPLES);
  if (merging && asked === 0)
    throw new ProsamError('OPTION_INVALID', `the strategy ${strategy} merges samples, but samples is 0. Ask for at least one.`);
  return spreads ? asked : merging ? 1 : 0;
}
