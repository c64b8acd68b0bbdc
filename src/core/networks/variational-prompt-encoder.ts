/**
 * The variational prompt encoder of figure 2, the trainable part of ProSAM (paper, section 4.2 and figure 5): feature augmentation, then
 * prompt distribution prediction. Reference and target features in, a distribution over prompt vectors out.
 *
 * It is split where it may be: everything up to the reference's queries depends on the reference alone and is computed once per
 * reference.
 */
import { coarseMask } from './coarse-mask.ts';
import type { PromptEncoderConfig } from './config.ts';
import { enhanceFeatures, maskedAveragePool, reduceFeatures } from './feature-augmentation.ts';
import type { Ops, Weights } from './ops.ts';
import { distributionHeads, referenceQueries, targetQueries } from './prompt-generator.ts';

export interface ReferenceInputs<T> {
  /** Mid-level maps of the reference. [B, C, h, w] */
  mid: T;
  /** Annotation on the feature grid, 0 or 1. [B, 1, h, w] */
  mask: T;
  /** Outcome of Dropout2d (0 or 1 / (1 - p) per channel) in training. [B, c, 1] */
  channelFactors?: T;
}

export interface ReferenceCode<T> {
  /** F_Ir [B, c, h, w] */
  reduced: T;
  /** Prototype F_M [B, c, 1, 1] */
  prototype: T;
  /** F_r^v [B, c, h, w] */
  enhanced: T;
  /** After reference cross-attention. [B, m, c] */
  crossed: T;
  /** Q'_r, after reference self-attention. [B, m, c] */
  queries: T;
}

export interface TargetInputs<T> {
  /** Mid-level maps of the target. [B, C, h, w] */
  mid: T;
  /** Pseudo mask M_t^pseudo. [B, 1, h, w] */
  pseudo: T;
  prototype: T;
  queries: T;
  channelFactors?: T;
}

export interface PromptDistribution<T> {
  reduced: T;
  enhanced: T;
  crossed: T;
  /** Q'_t [B, m, c] */
  queries: T;
  /** Mean of the prompt distribution. [B, m, c] */
  mu: T;
  /** Log of its scale; absent in the deterministic variant. [B, m, c] */
  logSigma?: T;
  /** Logits of the coarse mask, where the encoder has one. [B, 1, h, w] */
  coarse?: T;
}

/** The reference's half of the encoder. */
export function encodeReference<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: PromptEncoderConfig,
  { mid, mask, channelFactors }: ReferenceInputs<T>,
): ReferenceCode<T> {
  const reduced = reduceFeatures(ops, weights, config, mid, channelFactors); // F_Ir [B, c, h, w]
  const prototype = maskedAveragePool(ops, reduced, mask); // F_M [B, c, 1, 1]
  const enhanced = enhanceFeatures(ops, weights, config, reduced, prototype, mask); // F_r^v [B, c, h, w]
  return { reduced, prototype, enhanced, ...referenceQueries(ops, weights, config, enhanced) }; // Q'_r [B, m, c]
}

/** The target's half of the encoder. */
export function encodeTarget<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: PromptEncoderConfig,
  { mid, pseudo, prototype, queries: given, channelFactors }: TargetInputs<T>,
): PromptDistribution<T> {
  const reduced = reduceFeatures(ops, weights, config, mid, channelFactors); // F_It [B, c, h, w]
  const enhanced = enhanceFeatures(ops, weights, config, reduced, prototype, pseudo); // F_t^v [B, c, h, w]
  const { crossed, queries } = targetQueries(ops, weights, config, given, enhanced); // Q'_t [B, m, c]
  const coarse = config.dense === 'coarse' && { coarse: coarseMask(ops, weights, config, enhanced) };
  return { reduced, enhanced, crossed, queries, ...coarse, ...distributionHeads(ops, weights, config, queries) }; // mu, log sigma [B, m, c]
}
