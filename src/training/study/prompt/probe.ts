/** A trained prompt encoder opened up: the prompts it gives for a pair, and the masks of these and of any other prompts. */
import { aboveZero } from '../../../core/mask/resize-map.ts';
import { samplePrompts, type DistributionConfig, type Noise } from '../../../core/networks/prompt-distribution.ts';
import { ProsamError } from '../../../core/common/errors.ts';
import { geometryOf } from '../../../core/image/geometry.ts';
import type { FloatTensor } from '../../../core/checkpoint/read-tensors.ts';
import { preprocessOf } from '../../../core/onnx/networks.ts';
import { coarsePrompt } from '../../../core/engine/methods/coarse-prompt.ts';
import { randomFor, DEFAULT_SEED } from '../../step/seeds.ts';
import { createPairMaker, type PreparedPair } from '../../batches/pairs.ts';
import type { Episode } from '../../types.ts';
import { openFrozenModel, type FrozenModel } from '../frozen-model.ts';
import type { StudyContext } from '../study-context.ts';

export interface PairPrompts {
  /** [m, c] */
  mu: FloatTensor;
  /** Absent in deterministic encoders. [m, c] */
  logSigma?: Float32Array;
  /** Logits of the coarse mask, of encoders that have one. [1, 1, h, w] */
  coarse?: FloatTensor;
}

export interface PromptProbe {
  frozen: FrozenModel;
  /** Distribution from which the encoder's prompts are sampled. */
  distribution: DistributionConfig;
  /** Pair number `index` of a fold, marked as every evaluation marks it. */
  pair(episode: Episode, index: number): Promise<PreparedPair>;
  prompts(pair: PreparedPair): Promise<PairPrompts>;
  /** 0/1 on the square for each of the prompt sets. sets: values [R, m, c]; coarse: goes with all of them */
  masks(pair: PreparedPair, sets: readonly Float32Array[], coarse: FloatTensor | undefined): Promise<Uint8Array[]>;
  close(): Promise<void>;
}

/** Prompt sets decoded in one run of the decoder, which bounds its memory. */
const MAX_SETS = 16;

/** model: name or folder with a prompt encoder. @throws MODEL_*, METHOD_UNAVAILABLE */
export async function openPromptProbe(context: StudyContext, name: string): Promise<PromptProbe> {
  const { settings } = context;
  const frozen = await openFrozenModel(context, name);
  const { model, networks, features } = frozen;
  const encoder = model.manifest.prompt_encoder;
  if (encoder === undefined) {
    await frozen.close();
    throw new ProsamError(
      'METHOD_UNAVAILABLE',
      `expected a model with a trained prompt encoder, ${model.id} has none. Name a trained model.`,
    );
  }
  const { numPrompts, dim } = encoder.config;
  const geometry = geometryOf(preprocessOf(model));
  const make = createPairMaker({
    dataset: settings.dataset,
    features,
    resize: model.manifest.sam.resize,
    annotation: settings.annotation,
    labelReduction: settings.labelReduction ?? encoder.label_reduction,
  });
  return {
    frozen,
    distribution: { kind: encoder.distribution, nu: encoder.nu, n: dim, scale: encoder.noise_scale },
    pair: (episode, index) => make(episode, randomFor(DEFAULT_SEED, 'annotations', index), 'evaluation'),
    async prompts(pair) {
      const code = await networks.encodeReference(pair.reference.mid, pair.cells);
      const { mu, logSigma, coarse } = await networks.promptDistribution(pair.target.mid, pair.pseudo, code);
      const spread = logSigma && { logSigma: logSigma.data };
      return { mu: { data: mu.data, shape: [numPrompts, dim] }, ...spread, ...(coarse && { coarse }) };
    },
    async masks(pair, sets, coarse) {
      const mask = coarsePrompt(pair.target, [coarse]);
      const masks: Uint8Array[] = [];
      for (let from = 0; from < sets.length; from += MAX_SETS) {
        const some = sets.slice(from, from + MAX_SETS);
        const data = new Float32Array(some.length * numPrompts * dim);
        some.forEach((set, i) => data.set(set, i * numPrompts * dim));
        const { logits } = await networks.decodePrompts(pair.target, { data, shape: [some.length, numPrompts, dim] }, mask);
        const side = logits.shape[3] as number;
        for (let i = 0; i < some.length; i++) {
          const map = { data: logits.data.subarray(i * side * side, (i + 1) * side * side), width: side, height: side };
          masks.push(aboveZero(geometry.toSquare(map).data));
        }
      }
      return masks;
    },
    close: () => frozen.close(),
  };
}

/** One prompt set drawn from the encoder's own distribution; the mean itself where it has none. noise: eps [1, m, c], delta [1, m] */
export function sampledPrompts({ mu, logSigma }: PairPrompts, distribution: DistributionConfig, noise: Noise): Float32Array {
  return logSigma === undefined ? mu.data : samplePrompts(distribution, mu.data, logSigma, noise, distribution.n);
}

/** Root of the mean square over all coordinates: the size noise is compared with. */
export function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** mu plus a multiple of standard normal draws. */
export function disturbed(mu: Float32Array, eps: Float32Array, size: number): Float32Array {
  return mu.map((value, i) => value + size * (eps[i] as number));
}
