/**
 * The trainable part of ProSAM: reference and target features in, a distribution over prompt vectors out
 * (paper, sections 3.2, 4.2 and 8, figure 5; block structure as in the public VRP-SAM code). It is the variational prompt encoder of
 * figure 2, and z = f_P(F_r, F_t), equation 3, where it predicts no distribution.
 *
 * It is split where it may be: everything up to the reference's queries depends on the reference alone and is computed
 * once per reference.
 */
import { attend } from './attention.ts';
import type { PromptEncoderConfig } from './config.ts';
import type { Dim, Ops, Weights } from './ops.ts';

const NORM_EPSILON = 1e-5;
/** Keeps the prototype of an empty mask at zero. */
const POOL_EPSILON = 0.0005;

export interface ReferenceInputs<T> {
  /** Mid-level maps of the reference. [B, C, h, w] */
  mid: T;
  /** Annotation on the feature grid, 0 or 1. [B, 1, h, w] */
  mask: T;
  /** Outcome of Dropout2d (0 or 1 / (1 - p) per channel) in training. [B, c, 1] */
  channelFactors?: T;
}

export interface ReferenceCode<T> {
  /** R_r [B, c, h, w] */
  reduced: T;
  /** p [B, c, 1, 1] */
  prototype: T;
  /** F_r [B, c, h, w] */
  enhanced: T;
  /** After reference cross-attention. [B, m, c] */
  crossed: T;
  /** Q_r, after reference self-attention. [B, m, c] */
  queries: T;
}

export interface TargetInputs<T> {
  /** Mid-level maps of the target. [B, C, h, w] */
  mid: T;
  /** Pseudo mask. [B, 1, h, w] */
  pseudo: T;
  prototype: T;
  queries: T;
  channelFactors?: T;
}

export interface PromptDistribution<T> {
  reduced: T;
  enhanced: T;
  crossed: T;
  /** Q_t [B, m, c] */
  queries: T;
  /** Mean of the prompt distribution. [B, m, c] */
  mu: T;
  /** Log of its scale; absent in the deterministic variant. [B, m, c] */
  logSigma?: T;
}

export function encodeReference<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: PromptEncoderConfig,
  inputs: ReferenceInputs<T>,
): ReferenceCode<T> {
  const reduced = reduce(ops, weights, config, inputs.mid, inputs.channelFactors);
  const prototype = maskedAveragePool(ops, reduced, inputs.mask);
  const enhanced = fuse(ops, weights, config, reduced, prototype, inputs.mask);
  const learned = ops.reshape(weights.get('queries', [config.numPrompts, config.dim]), [1, config.numPrompts, config.dim]);
  const crossed = crossAttention(ops, weights.under('ref_cross.'), config, learned, enhanced);
  return { reduced, prototype, enhanced, crossed, queries: selfAttention(ops, weights.under('ref_self.'), config, crossed) };
}

export function encodeTarget<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: PromptEncoderConfig,
  inputs: TargetInputs<T>,
): PromptDistribution<T> {
  const { dim } = config;
  const reduced = reduce(ops, weights, config, inputs.mid, inputs.channelFactors);
  const enhanced = fuse(ops, weights, config, reduced, inputs.prototype, inputs.pseudo);
  const crossed = crossAttention(ops, weights.under('tgt_cross.'), config, inputs.queries, enhanced);
  const queries = selfAttention(ops, weights.under('tgt_self.'), config, crossed);
  // The two linear heads of figure 5.
  const head = (name: string, x: T): T => ops.linear(x, weights.get(`${name}.weight`, [dim, dim]), weights.get(`${name}.bias`, [dim]));
  if (config.probabilistic) {
    return { reduced, enhanced, crossed, queries, mu: head('mu_head', queries), logSigma: head('log_sigma_head', queries) };
  }
  const mu = config.stackedHeads ? head('log_sigma_head', head('mu_head', queries)) : queries;
  return { reduced, enhanced, crossed, queries, mu };
}

/** Average pooling of figure 5: p = sum(R * M) / (sum(M) + 0.0005) per channel. features [B, c, h, w], mask [B, 1, h, w] -> [B, c, 1, 1] */
export function maskedAveragePool<T>(ops: Ops<T>, features: T, mask: T): T {
  const total = ops.reduceSum(ops.mul(features, mask), [2, 3]);
  return ops.div(total, ops.add(ops.reduceSum(mask, [2, 3]), ops.constant([POOL_EPSILON], [1])));
}

/** 1x1 convolution without bias, as a product. x [B, in, h, w], weight [out, in] -> [B, out, h * w] */
function pointwise<T>(ops: Ops<T>, x: T, weight: T): T {
  const [batch, channels, height, width] = ops.shapeOf(x) as [Dim, number, number, number];
  return ops.matMul(weight, ops.reshape(x, [batch, channels, height * width]));
}

/** Pointwise convolution of figure 5 behind the image encoder: ReLU(conv1x1(X)), then Dropout2d in training. [B, C, h, w] -> [B, c, h, w] */
function reduce<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, mid: T, channelFactors: T | undefined): T {
  const [batch, channels, height, width] = ops.shapeOf(mid) as [Dim, number, number, number];
  const weight = ops.reshape(weights.get('reduce.weight', [config.dim, channels, 1, 1]), [config.dim, channels]);
  const reduced = ops.relu(pointwise(ops, mid, weight)); // [B, c, hw]
  const kept = channelFactors === undefined ? reduced : ops.mul(reduced, channelFactors);
  return ops.reshape(kept, [batch, config.dim, height, width]);
}

/**
 * Enhanced features of figure 5: F = ReLU(conv1x1([R, p tiled, 10 M])). The convolution's columns are applied to the three parts one by one, so the
 * prototype is never tiled.
 */
function fuse<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, reduced: T, prototype: T, mask: T): T {
  const { dim } = config;
  const [, , height, width] = ops.shapeOf(reduced) as [Dim, number, number, number];
  const batch = ops.shapeOf(reduced)[0] as Dim;
  const weight = ops.reshape(weights.get('fuse.weight', [dim, 2 * dim + 1, 1, 1]), [dim, 2 * dim + 1]);
  const columns = (from: number, to: number): T => ops.slice(weight, 1, from, to);
  const gained = ops.mul(mask, ops.constant([config.maskGain], [1]));
  const fromFeatures = pointwise(ops, reduced, columns(0, dim)); // [B, c, hw]
  const fromPrototype = pointwise(ops, prototype, columns(dim, 2 * dim)); // [B, c, 1]
  const fromMask = pointwise(ops, gained, columns(2 * dim, 2 * dim + 1)); // [B, c, hw]
  const sum = ops.add(ops.add(fromFeatures, fromPrototype), fromMask);
  return ops.reshape(ops.relu(sum), [batch, dim, height, width]);
}

/** Cross-attention of figure 5: LN(q + MHA(q, F + pe, F)). Positions join the keys only. q [B, m, c], map [B, c, h, w] */
function crossAttention<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, q: T, map: T): T {
  const [batch, channels, height, width] = ops.shapeOf(map) as [Dim, number, number, number];
  const values = ops.transpose(ops.reshape(map, [batch, channels, height * width]), [0, 2, 1]); // [B, hw, c]
  const positions = ops.constant(sinePositions(channels, height, width), [channels, height * width]);
  return attentionBlock(ops, weights, config, q, ops.add(values, ops.transpose(positions, [1, 0])), values);
}

/** Self-attention of figure 5: LN(q + MHA(q, q, q)) */
function selfAttention<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, q: T): T {
  return attentionBlock(ops, weights, config, q, q, q);
}

/** LN(q + MHA(q, k, v)), post-norm, no feed-forward part. q [B, m, c], k and v [B, n, c] -> [B, m, c] */
export function attentionBlock<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: Pick<PromptEncoderConfig, 'dim' | 'numHeads'>,
  q: T,
  k: T,
  v: T,
): T {
  const { dim } = config;
  const packed = weights.get('attn.in_proj_weight', [3 * dim, dim]);
  const packedBias = weights.get('attn.in_proj_bias', [3 * dim]);
  const project = (x: T, part: number): T =>
    ops.linear(x, ops.slice(packed, 0, part * dim, (part + 1) * dim), ops.slice(packedBias, 0, part * dim, (part + 1) * dim));
  const attended = attend(ops, project(q, 0), project(k, 1), project(v, 2), config.numHeads);
  const out = ops.linear(attended, weights.get('attn.out_proj.weight', [dim, dim]), weights.get('attn.out_proj.bias', [dim]));
  return ops.layerNorm(ops.add(q, out), weights.get('norm.weight', [dim]), weights.get('norm.bias', [dim]), NORM_EPSILON);
}

/**
 * DETR's normalised sine encoding, y channels before x: index 1..n divided by (n + 1e-6), times 2 pi; frequency i is
 * 10000^(2 floor(i / 2) / half); sine on even, cosine on odd channels. -> values of [channels, h, w]
 */
export function sinePositions(channels: number, height: number, width: number): Float32Array {
  const key = `${channels} ${height} ${width}`;
  const known = positions.get(key) ?? computePositions(channels, height, width);
  positions.set(key, known);
  return known;
}

/** One map per size of a feature grid: a million sines are too many for every training step. */
const positions = new Map<string, Float32Array>();

function computePositions(channels: number, height: number, width: number): Float32Array {
  const half = channels / 2;
  const out = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    const i = c % half;
    const frequency = 10000 ** ((2 * Math.floor(i / 2)) / half);
    const wave = i % 2 === 0 ? Math.sin : Math.cos;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const position = c < half ? (y + 1) / (height + 1e-6) : (x + 1) / (width + 1e-6);
        out[(c * height + y) * width + x] = wave((position * 2 * Math.PI) / frequency);
      }
    }
  }
  return out;
}
