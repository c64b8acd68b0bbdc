/**
 * SAM's mask decoder: a two-way transformer between tokens and image cells, then upscaling and one small network per
 * mask (Kirillov et al., appendix A); SAM 2's reads two finer maps besides (Ravi et al., 2024). Prompts come in as raw embeddings [B, m, c], so that predicted prompt vectors enter
 * exactly where SAM's own sparse embeddings would: M = f_M(F_I, z) of equation 2 in the ProSAM paper.
 */
import { attend } from './attention.ts';
import { gridSize, type SamConfig } from './config.ts';
import { fuse } from './fuser.ts';
import type { Dim, Ops, Weights } from './ops.ts';
import { ENCODER_EPSILON } from './sam-image-encoder.ts';
import { cellsOf, samDensePositions, samNoMaskEmbedding } from './sam-prompt-encoder.ts';
import type { HighResMaps } from './neck-layers.ts';

const DECODER_EPSILON = 1e-5;

export interface MaskDecoderInputs<T> {
  /** [B, c, g, g]: row i belongs to prompts row i; or [1, c, g, g]: one image for all prompt sets. */
  embedding: T;
  /** [B, m, c] */
  prompts: T;
  /** Dense embedding of a mask prompt [B or 1, c, g, g]; SAM's "no mask" vector when left out. */
  dense?: T;
  /** SAM 2's finer maps: of one image for all prompt sets, or of as many as `embedding`. */
  highRes?: HighResMaps<T>;
  /** Knowledge of the object from a reference. @default nothing: SAM as published */
  guidance?: Guidance<T>;
}

/** The two hooks of PerSAM (Zhang et al., 2023) in the two-way transformer, as its public code has them. */
export interface Guidance<T> {
  /** Target-guided attention: closeness of every image cell to the object, 0..1, for the tokens' attention to the image. [1, g * g] */
  bias?: T;
  /** Target-semantic prompting: the object's embedding, added to every token before each layer and to their position terms. [1, c] */
  vector?: T;
}

export interface MaskDecoderOutputs<T> {
  /** [B, n, 4g, 4g] */
  logits: T;
  /** SAM's own estimate of each mask's IoU; SAM 2's lies within 0..1. [B, n] */
  iou: T;
  /** SAM 2: logit of "there is an object". [B, 1] */
  objectScore?: T;
}

/** 'single': mask token 0 only. 'multi': tokens 1.. (whole, part, subpart). 'all': every token in order. */
export type MaskChoice = 'single' | 'multi' | 'all';

/** M = f_M(F_I, z) (paper, equation 2; the mask decoder of figure 2). */
export function samMaskDecoder<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: SamConfig,
  inputs: MaskDecoderInputs<T>,
  choice: MaskChoice,
): MaskDecoderOutputs<T> {
  const width = config.outChans;
  const maskTokens = config.numMultimaskOutputs + 1;
  const at = weights.under('mask_decoder.');

  const scored = config.sam2?.predObjScores === true;
  const objectTokens = scored ? [at.get('obj_score_token.weight', [1, width])] : [];
  const maskAndIou = [at.get('iou_token.weight', [1, width]), at.get('mask_tokens.weight', [maskTokens, width])];
  const learned = ops.concat([...objectTokens, ...maskAndIou], 0);
  const iouToken = objectTokens.length;
  const own = ops.reshape(learned, [1, iouToken + 1 + maskTokens, width]);
  const tokens = ops.concat([ops.repeatLike(own, inputs.prompts), inputs.prompts], 1); // [B, 5 + m, c], with SAM 2's object token [B, 6 + m, c]
  const dense = inputs.dense ?? samNoMaskEmbedding(ops, weights, config);
  const sum = ops.add(inputs.embedding, dense); // [B or 1, c, g, g]
  const fuser = config.sam2?.fuser;
  const image = cellsOf(ops, fuser === undefined ? sum : fuse(ops, at.under('fuser.'), fuser, sum)); // [B or 1, g * g, c]
  const positions = samDensePositions(ops, weights, config); // [1, g * g, c]

  const { queries, keys } = twoWayTransformer(ops, at.under('transformer.'), config, tokens, image, positions, inputs.guidance);

  const first = choice === 'multi' ? 1 : 0;
  const last = choice === 'single' ? 1 : maskTokens;
  const upscaled = upscale(ops, at.under('output_upscaling.'), config, keys, inputs.highRes); // [B, 16 g * g, c / 8]
  const hyper: T[] = [];
  for (let i = first; i < last; i++) {
    const token = ops.slice(queries, 1, iouToken + 1 + i, iouToken + 2 + i); // [B, 1, c]
    hyper.push(mlp(ops, at.under(`output_hypernetworks_mlps.${i}.`), [width, width, width, width / 8], token));
  }
  const masks = ops.matMul(hyper.length === 1 ? (hyper[0] as T) : ops.concat(hyper, 1), upscaled, { transposeB: true });
  const grid = gridSize(config);
  const batch = ops.shapeOf(queries)[0] as Dim;

  const hidden = Array.from({ length: config.iouHeadDepth - 1 }, () => config.iouHeadHiddenDim);
  const tokenAt = (i: number): T => ops.slice(queries, 1, i, i + 1); // [B, 1, c]
  const scores = mlp(ops, at.under('iou_prediction_head.'), [width, ...hidden, maskTokens], tokenAt(iouToken)); // [B, 1, 4]
  const ious = config.sam2 ? sigmoid(ops, scores) : scores;
  const objectHead = (): T => mlp(ops, at.under('pred_obj_score_head.'), [width, width, width, 1], tokenAt(0));
  return {
    logits: inRows(ops, masks, [batch, last - first], grid),
    iou: ops.slice(ops.reshape(ious, [batch, maskTokens]), 1, first, last),
    ...(scored && { objectScore: ops.reshape(objectHead(), [batch, 1]) }),
  };
}

function sigmoid<T>(ops: Ops<T>, x: T): T {
  const one = ops.constant([1], [1]);
  return ops.div(one, ops.add(one, ops.exp(ops.sub(ops.constant([0], [1]), x))));
}

/** Linear layers with ReLU between them. */
function mlp<T>(ops: Ops<T>, weights: Weights<T>, widths: readonly number[], x: T): T {
  for (let i = 0; i + 1 < widths.length; i++) {
    const from = widths[i] as number;
    const to = widths[i + 1] as number;
    x = ops.linear(x, weights.get(`layers.${i}.weight`, [to, from]), weights.get(`layers.${i}.bias`, [to]));
    if (i + 2 < widths.length) x = ops.relu(x);
  }
  return x;
}

function twoWayTransformer<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: SamConfig,
  tokens: T,
  image: T,
  positions: T,
  { bias, vector }: Guidance<T> = {},
): { queries: T; keys: T } {
  const width = config.outChans;
  const norm = (at: Weights<T>, x: T): T => ops.layerNorm(x, at.get('weight', [width]), at.get('bias', [width]), DECODER_EPSILON);
  /** Projects to `inner` channels, attends, projects back. */
  const attention = (at: Weights<T>, inner: number, q: T, k: T, v: T, cellBias?: T): T => {
    const project = (name: string, x: T): T => ops.linear(x, at.get(`${name}.weight`, [inner, width]), at.get(`${name}.bias`, [inner]));
    const out = attend(ops, project('q_proj', q), project('k_proj', k), project('v_proj', v), config.decoderHeads, cellBias);
    return ops.linear(out, at.get('out_proj.weight', [width, inner]), at.get('out_proj.bias', [width]));
  };

  const prompted = (x: T): T => (vector === undefined ? x : ops.add(x, ops.reshape(vector, [1, 1, width])));
  /** Position terms of the tokens: the tokens themselves. */
  const places = prompted(tokens);
  let queries = tokens;
  let keys = image;
  for (let i = 0; i < config.decoderDepth; i++) {
    const at = weights.under(`layers.${i}.`);
    queries = prompted(queries);
    if (i === 0) {
      // The first self-attention has no position term and replaces the tokens instead of adding to them.
      queries = attention(at.under('self_attn.'), width, queries, queries, queries);
    } else {
      const placed = ops.add(queries, places);
      queries = ops.add(queries, attention(at.under('self_attn.'), width, placed, placed, queries));
    }
    queries = norm(at.under('norm1.'), queries);

    const asked = ops.add(queries, places);
    const toImage = attention(at.under('cross_attn_token_to_image.'), width / 2, asked, ops.add(keys, positions), keys, bias);
    queries = norm(at.under('norm2.'), ops.add(queries, toImage));

    const inner = ops.relu(
      ops.linear(queries, at.get('mlp.lin1.weight', [config.decoderMlpDim, width]), at.get('mlp.lin1.bias', [config.decoderMlpDim])),
    );
    const out = ops.linear(inner, at.get('mlp.lin2.weight', [width, config.decoderMlpDim]), at.get('mlp.lin2.bias', [width]));
    queries = norm(at.under('norm3.'), ops.add(queries, out));

    const toTokens = attention(
      at.under('cross_attn_image_to_token.'),
      width / 2,
      ops.add(keys, positions),
      ops.add(queries, places),
      queries,
    );
    keys = norm(at.under('norm4.'), ops.add(keys, toTokens));
  }
  const asked = prompted(ops.add(queries, places));
  const last = attention(weights.under('final_attn_token_to_image.'), width / 2, asked, ops.add(keys, positions), keys);
  return { queries: norm(weights.under('norm_final_attn.'), ops.add(queries, last)), keys };
}

/**
 * Pixels from the order they are made in (cell, quarter of the cell, quarter of the quarter) into rows.
 * [..., 16 g * g] -> [..., 4g, 4g]
 */
function inRows<T>(ops: Ops<T>, x: T, lead: readonly Dim[], grid: number): T {
  const parts = ops.reshape(x, ['rows', grid, 2, 2, 2, 2]); // of each row of cells: cell, y, x, y, x
  return ops.reshape(ops.transpose(parts, [0, 2, 4, 1, 3, 5]), [...lead, 4 * grid, 4 * grid]);
}

/**
 * Two transposed convolutions: [B, g * g, c] -> [B, 16 g * g, c / 8]; a pixel's four children lie side by side. SAM 2 adds a finer
 * map of the image to each: before the norm, and before the last activation.
 */
function upscale<T>(ops: Ops<T>, weights: Weights<T>, config: SamConfig, cells: T, highRes: HighResMaps<T> | undefined): T {
  const width = config.outChans;
  const count = gridSize(config) ** 2;
  const joined = (x: T, map: T | undefined): T => (map === undefined ? x : ops.add(x, map));
  let x = joined(transposedConv(ops, weights.under('0.'), cells, count, width, width / 4), highRes?.highRes1);
  x = ops.gelu(ops.layerNorm(x, weights.get('1.weight', [width / 4]), weights.get('1.bias', [width / 4]), ENCODER_EPSILON));
  return ops.gelu(joined(transposedConv(ops, weights.under('3.'), x, 4 * count, width / 4, width / 8), highRes?.highRes0));
}

/** Transposed convolution 2x2 with stride 2 as one product: windows do not overlap. [B, n, in] -> [B, 4 n, out] */
function transposedConv<T>(ops: Ops<T>, weights: Weights<T>, x: T, count: number, from: number, to: number): T {
  const batch = ops.shapeOf(x)[0] as Dim;
  const kernel = ops.reshape(ops.transpose(weights.get('weight', [from, to, 2, 2]), [0, 2, 3, 1]), [from, 4 * to]);
  const spread = ops.reshape(ops.matMul(x, kernel), [batch, 4 * count, to]);
  return ops.add(spread, weights.get('bias', [to]));
}
