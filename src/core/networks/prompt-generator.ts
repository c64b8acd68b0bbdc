/**
 * Prompt distribution prediction, the prompt generator of figure 2 (paper, section 8.2 and figure 5): learned queries attend to the
 * reference's enhanced features, then to the target's; two linear heads give mean and log standard deviation of q(z | I_r, M_r, I_t).
 * Block structure as in the public VRP-SAM code: post-norm, no feed-forward part, one round.
 */
import { attend } from './attention.ts';
import type { PromptEncoderConfig } from './config.ts';
import type { Dim, Ops, Weights } from './ops.ts';

const NORM_EPSILON = 1e-5;

/** Queries Q that have seen the reference: Q'_r. enhanced [B, c, h, w] -> crossed and queries [B, m, c] */
export function referenceQueries<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: PromptEncoderConfig,
  enhanced: T,
): { crossed: T; queries: T } {
  const { numPrompts, dim } = config;
  const learned = ops.reshape(weights.get('queries', [numPrompts, dim]), [1, numPrompts, dim]); // Q [1, m, c]
  const crossed = crossAttention(ops, weights.under('ref_cross.'), config, learned, enhanced); // [B, m, c]
  return { crossed, queries: selfAttention(ops, weights.under('ref_self.'), config, crossed) }; // Q'_r [B, m, c]
}

/** Queries that have seen the target as well: Q'_t. queries [B, m, c], enhanced [B, c, h, w] -> crossed and queries [B, m, c] */
export function targetQueries<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: PromptEncoderConfig,
  queries: T,
  enhanced: T,
): { crossed: T; queries: T } {
  const crossed = crossAttention(ops, weights.under('tgt_cross.'), config, queries, enhanced); // [B, m, c]
  return { crossed, queries: selfAttention(ops, weights.under('tgt_self.'), config, crossed) }; // Q'_t [B, m, c]
}

/**
 * Mean and log standard deviation of the prompt distribution (eq. 5): the two linear heads of figure 5. Without a distribution the queries are the prompts, as in VRP-SAM
 * (equation 3), or go through both heads one after the other (section 9.2). queries [B, m, c] -> [B, m, c] each
 */
export function distributionHeads<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, queries: T): { mu: T; logSigma?: T } {
  const { dim } = config;
  const head = (name: string, x: T): T => ops.linear(x, weights.get(`${name}.weight`, [dim, dim]), weights.get(`${name}.bias`, [dim]));
  if (config.probabilistic) return { mu: head('mu_head', queries), logSigma: head('log_sigma_head', queries) };
  return { mu: config.stackedHeads ? head('log_sigma_head', head('mu_head', queries)) : queries };
}

/** Cross-attention of figure 5, LN(q + MHA(q, F + pe, F)): positions join the keys only. q [B, m, c], map [B, c, h, w] -> [B, m, c] */
function crossAttention<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, q: T, map: T): T {
  const [batch, channels, height, width] = ops.shapeOf(map) as [Dim, number, number, number];
  const values = ops.transpose(ops.reshape(map, [batch, channels, height * width]), [0, 2, 1]); // [B, hw, c]
  const positions = ops.constant(sinePositions(channels, height, width), [channels, height * width]);
  return attentionBlock(ops, weights, config, q, ops.add(values, ops.transpose(positions, [1, 0])), values);
}

/** Self-attention of figure 5, LN(q + MHA(q, q, q)). q [B, m, c] -> [B, m, c] */
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
