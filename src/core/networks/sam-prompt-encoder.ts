/**
 * SAM's own prompts: points, boxes, a low-resolution mask, or none of them (Kirillov et al., appendix A): z = f_P(P) of equation 1 in
 * the ProSAM paper.
 */
import { gridSize, type SamConfig } from './config.ts';
import type { Dim, Ops, Weights } from './ops.ts';
import { ENCODER_EPSILON } from './sam-image-encoder.ts';

/** Kinds of coordinates SAM knows, in the order of the one-hot rows this network reads. */
export const POINT_KINDS = ['padding', 'negative', 'positive', 'boxTopLeft', 'boxBottomRight'] as const;
export type PointKind = (typeof POINT_KINDS)[number];

/** Random Fourier features of normalised (x, y) in [0, 1]: [..., 2] -> [..., c] as [sin, cos]. */
function fourier<T>(ops: Ops<T>, weights: Weights<T>, config: SamConfig, xy: T): T {
  const matrix = weights.get('pe_layer.positional_encoding_gaussian_matrix', [2, config.outChans / 2]);
  const centred = ops.sub(ops.mul(xy, ops.constant([2], [1])), ops.constant([1], [1]));
  const angles = ops.mul(ops.matMul(centred, matrix), ops.constant([2 * Math.PI], [1]));
  return ops.concat([ops.sin(angles), ops.cos(angles)], ops.shapeOf(angles).length - 1);
}

/** Position encoding of the embedding grid's cell centres. -> [1, g * g, c], row-major */
export function samDensePositions<T>(ops: Ops<T>, weights: Weights<T>, config: SamConfig): T {
  const grid = gridSize(config);
  const centres: number[] = [];
  for (let y = 0; y < grid; y++) for (let x = 0; x < grid; x++) centres.push((x + 0.5) / grid, (y + 0.5) / grid);
  return fourier(ops, weights.under('prompt_encoder.'), config, ops.constant(centres, [1, grid * grid, 2]));
}

/**
 * Sparse prompt embeddings of points and box corners: z = f_P(P) (paper, equation 1).
 *
 * xy [B, N, 2] in pixels of the encoder's square input, pixel centres at whole numbers;
 * kinds [B, N, 5] one-hot rows in the order of POINT_KINDS. -> [B, N, c]
 */
export function samPointEmbeddings<T>(ops: Ops<T>, weights: Weights<T>, config: SamConfig, xy: T, kinds: T): T {
  const at = weights.under('prompt_encoder.');
  const width = config.outChans;
  const shifted = ops.div(ops.add(xy, ops.constant([0.5], [1])), ops.constant([config.imageSize], [1]));
  const rows = [at.get('not_a_point_embed.weight', [1, width])];
  for (let i = 0; i < 4; i++) rows.push(at.get(`point_embeddings.${i}.weight`, [1, width]));
  const learned = ops.matMul(kinds, ops.concat(rows, 0)); // [B, N, c]
  // A padding point has no place: its position term is switched off.
  const placed = ops.sub(ops.constant([1], [1]), ops.slice(kinds, 2, 0, 1)); // [B, N, 1]
  return ops.add(ops.mul(fourier(ops, at, config, shifted), placed), learned);
}

/** Dense embedding of a mask prompt. mask [B, 1, 4g, 4g] of logits -> [B, c, g, g] */
export function samMaskEmbedding<T>(ops: Ops<T>, weights: Weights<T>, config: SamConfig, mask: T): T {
  const at = weights.under('prompt_encoder.mask_downscaling.');
  const hidden = config.maskInChans;
  const narrow = hidden / 4;
  let x = ops.conv2d(mask, at.get('0.weight', [narrow, 1, 2, 2]), at.get('0.bias', [narrow]), { stride: 2 });
  x = ops.gelu(channelNorm(ops, at.under('1.'), narrow, x));
  x = ops.conv2d(x, at.get('3.weight', [hidden, narrow, 2, 2]), at.get('3.bias', [hidden]), { stride: 2 });
  x = ops.gelu(channelNorm(ops, at.under('4.'), hidden, x));
  return ops.conv2d(x, at.get('6.weight', [config.outChans, hidden, 1, 1]), at.get('6.bias', [config.outChans]));
}

/** Embedding used when there is no mask prompt. -> [1, c, 1, 1] */
export function samNoMaskEmbedding<T>(ops: Ops<T>, weights: Weights<T>, config: SamConfig): T {
  return ops.reshape(weights.get('prompt_encoder.no_mask_embed.weight', [1, config.outChans]), [1, config.outChans, 1, 1]);
}

/** LayerNorm over the channels of [B, C, h, w]. */
function channelNorm<T>(ops: Ops<T>, weights: Weights<T>, channels: number, x: T): T {
  const last = ops.transpose(x, [0, 2, 3, 1]);
  return ops.transpose(
    ops.layerNorm(last, weights.get('weight', [channels]), weights.get('bias', [channels]), ENCODER_EPSILON),
    [0, 3, 1, 2],
  );
}

/** Side of the mask prompt and of the decoder's logits. */
export function lowResSize(config: SamConfig): number {
  return 4 * gridSize(config);
}

/** [B, c, g, g] -> [B, g * g, c] */
export function cellsOf<T>(ops: Ops<T>, map: T): T {
  const [batch, channels, height, width] = ops.shapeOf(map) as [Dim, number, number, number];
  return ops.transpose(ops.reshape(map, [batch, channels, height * width]), [0, 2, 1]);
}
