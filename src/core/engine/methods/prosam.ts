/**
 * The paper's method, in the order of its figure 2: the image encoder (elsewhere, once per image) -> feature augmentation ->
 * prompt generator -> prompt distribution -> prompts -> SAM's mask decoder -> mask. Several references give several sets of prompts,
 * which SAM reads together.
 *
 * n references, m prompts of c values per reference, K samples, a feature grid of h x w cells, SAM's grid of g x g.
 */
import { samplePrompts } from '../../networks/prompt-distribution.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import type { PromptEncoderPlan } from '../../checkpoint/manifest.ts';
import { joinedFloats } from '../../common/joined.ts';
import { createByteCache, type ByteCache } from '../../common/byte-cache.ts';
import type { PromptDistribution, PromptEncoderNetworks, ReferenceCode } from '../../onnx/prompt-encoder-networks.ts';
import type { Tensor } from '../../onnx/session.ts';
import { DEFAULT_STRATEGY } from '../defaults.ts';
import { coarsePrompt } from './coarse-prompt.ts';
import { mostAlike } from './most-alike.ts';
import { mergeSamples } from './merge-samples.ts';
import type { MethodContext, RunMethod } from './method.ts';
import { createNoiseSource } from './prompt-noise.ts';

/** The part of the figure that depends on a reference alone. */
export interface EncodedReference {
  /** Prototype F_M and queries Q'_r. */
  code: ReferenceCode;
  /** High-level map of the masked reference. [1, C', h, w] */
  high: Tensor;
}

/** Distributions of one target, one for each reference. */
export type ReadDistributions = (
  context: MethodContext,
  target: ImageFeatures,
  references: readonly PreparedReference[],
) => Promise<PromptDistribution[]>;

/** encoder: a trained prompt encoder. stages: those with its weights. id: of the weights among those that share `codes`. */
export function createDistributionReader(
  encoder: PromptEncoderPlan,
  stages: PromptEncoderNetworks,
  codes: ByteCache<EncodedReference>,
  id: string,
): ReadDistributions {
  const encodeReference = ({ networks }: MethodContext, { key, features, cells }: PreparedReference): Promise<EncodedReference> =>
    codes.get(`${id} ${key}`, async () => ({
      code: await stages.encodeReference(features.mid, cells), // F_M, F_r^v (section 8.1), Q'_r [1, m, c] (section 8.2)
      high: await networks.maskedHigh(features, cells), // [1, C', h, w]
    }));

  return async (context, target, references) => {
    const { networks } = context;
    const parts: PromptDistribution[] = [];
    for (const reference of references) {
      // Feature augmentation and prompt generator, the reference's half: F_r^v and Q'_r.
      const { code, high } = await encodeReference(context, reference);
      context.lap('reference');
      // Feature augmentation, the target's half: M_t^pseudo.
      const pseudoMask = await networks.similarity(high, reference.cells, target.high, encoder.config.pseudoNorm); // [1, 1, h, w] (section 8.1)
      // Prompt generator, the target's half: F_t^v, Q'_t and the two heads.
      parts.push(await stages.promptDistribution(target.mid, pseudoMask, code)); // q(z | I_r, M_r, I_t): mu, log sigma [1, m, c] (eqs. 3, 5)
      context.checkpoint();
    }
    context.lap('prompt');
    return parts;
  };
}

/** read: with the weights of `encoder`. */
export function createProsamMethod(encoder: PromptEncoderPlan, read: ReadDistributions): RunMethod {
  const noiseFor = createNoiseSource(encoder);

  return async (context, target, references, options) => {
    const { networks, geometry } = context;
    const likest = await mostAlike(context, target, references, options.promptReferences);
    const parts = await read(context, target, likest); // q(z | I_r, M_r, I_t) (eqs. 3, 5)
    const mu = joinedFloats(parts.map((part) => part.mu.data)); // [n m, c]
    const logSigma = joinedFloats(parts.map((part) => part.logSigma?.data ?? new Float32Array(part.mu.data.length))); // [n m, c]
    context.lap('prompt');

    // Prompts: the mean prompt of figures 2 and 3, which is the paper's inference (section 4.3), and samples for merging and uncertainty.
    const { distribution, noise } = noiseFor(mu.length, options); // eps ~ N(0, I), delta ~ chi^2(nu + n) (eq. 6)
    const samples = samplePrompts(distribution, mu, logSigma, noise, encoder.config.dim); // z = g(mu, sigma, delta, eps) [K, n m, c] (eq. 7)
    const prompts = promptSets(mu, samples, encoder.config.dim); // [1 + K, n m, c]

    // SAM's mask decoder.
    const maps = options.dense === 'none' ? [] : parts.map((part) => part.coarse);
    const mask = coarsePrompt(target, maps); // [1, 1, 4g, 4g], where the encoder has a coarse mask
    const { logits, iou } = await networks.decodePrompts(target, prompts, mask); // f_M(F_I, z) [1 + K, 1, 4g, 4g] (eq. 2)
    context.lap('decode');

    // Mask: the mean prompt's, or samples merged (table 8).
    const merged = mergeSamples(logits, options.strategy ?? DEFAULT_STRATEGY, geometry, target); // at the target's own size
    context.lap('resize');
    return { ...merged, samIou: iou.data[0] as number };
  };
}

/** Row 0 is the mean; the samples follow. */
function promptSets(mu: Float32Array, samples: Float32Array, dim: number): Tensor {
  return { data: joinedFloats([mu, samples]), shape: [1 + samples.length / mu.length, mu.length / dim, dim] };
}

/** Encoded references of all prompt encoders of an engine, in one bounded place. */
export function createCodeCache(maxBytes: number): ByteCache<EncodedReference> {
  return createByteCache({
    maxBytes,
    sizeOf: ({ code, high }) => code.prototype.data.byteLength + code.queries.data.byteLength + high.data.byteLength,
  });
}
