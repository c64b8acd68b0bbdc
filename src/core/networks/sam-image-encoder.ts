/**
 * SAM's image encoder: a plain ViT with windowed and global attention, decomposed relative positions and a
 * convolutional neck (Kirillov et al., Segment Anything, appendix A), or MobileSAM's TinyViT under the same neck, or SAM 2's, or
 * EfficientNet's (files of their own): F_I = f_I(I) of equation 1 in the ProSAM paper. Names are those of the original checkpoints.
 */
import type { SamConfig, VitConfig } from './config.ts';
import { mergeHeads } from './attention.ts';
import { efficientNetImageEncoder } from './efficientnet-image-encoder.ts';
import type { Ops, Weights } from './ops.ts';
import { inPieces, PIECE, QUERIES, spans } from './pieces.ts';
import type { HighResMaps } from './neck-layers.ts';
import { sam2ImageEncoder } from './sam2-image-encoder.ts';
import { tinyVit } from './tiny-vit.ts';
import { partition, unpartition } from './windows.ts';

/** The paper's code uses 1e-6 in the encoder and in channel norms, 1e-5 in the decoder. */
export const ENCODER_EPSILON = 1e-6;

export interface SamImageFeatures<T> {
  /** Output of every block on the embedding's grid. [B, g, g, D] each; TinyViT's last stage is wider than the one before */
  blocks: readonly T[];
  /** Input of the first of them: patch plus position embedding; of a network with stages the map its third stage starts from. [B, g, g, D] */
  patches?: T;
  /** Maps of an EfficientNet, finest first, which has no such blocks. [B, C, h, w] each */
  taps?: readonly T[];
  /** [B, c, g, g] */
  embedding: T;
  /** Finer maps that SAM 2's mask decoder adds while it upscales. */
  highRes?: HighResMaps<T>;
}

export interface SamImageEncoderOptions {
  /** Values made at once. @default 2^22 */
  piece?: number;
}

/** F_I = f_I(I) (paper, equation 1; the image encoder of figure 2). image [B, 3, S, S], normalised. */
export function samImageEncoder<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  config: SamConfig,
  image: T,
  { piece = PIECE }: SamImageEncoderOptions = {},
): SamImageFeatures<T> {
  const { encoder, outChans } = config;
  if (encoder.kind === 'hiera') return sam2ImageEncoder(ops, weights, config, encoder, image, piece);
  if (encoder.kind === 'efficientnet-lite2')
    return { blocks: [], ...efficientNetImageEncoder(ops, weights, config, encoder, image, piece) };
  const at = weights.under('image_encoder.');
  const { patches, blocks } = encoder.kind === 'vit' ? vit(ops, at, encoder, image, piece) : tinyVit(ops, at, encoder, image);
  return { patches, blocks, embedding: neck(ops, at.under('neck.'), outChans, blocks.at(-1) as T) };
}

function vit<T>(ops: Ops<T>, weights: Weights<T>, config: VitConfig, image: T, piece: number): { patches: T; blocks: readonly T[] } {
  const { embedDim: width, patchSize } = config;
  const projected = ops.conv2d(
    image,
    weights.get('patch_embed.proj.weight', [width, 3, patchSize, patchSize]),
    weights.get('patch_embed.proj.bias', [width]),
    { stride: patchSize },
  ); // [B, D, g, g]
  const grid = ops.shapeOf(projected)[2] as number;
  const patches = ops.add(ops.transpose(projected, [0, 2, 3, 1]), weights.get('pos_embed', [1, grid, grid, width])); // [B, g, g, D]

  const blocks: T[] = [];
  let x = patches;
  for (let i = 0; i < config.depth; i++) {
    const windowSize = config.globalAttnIndexes.includes(i) ? 0 : config.windowSize;
    x = block(ops, weights.under(`blocks.${i}.`), config, x, windowSize, piece);
    blocks.push(x);
  }
  return { patches, blocks };
}

/** x [B, g, g, D] -> [B, c, g, g] */
function neck<T>(ops: Ops<T>, weights: Weights<T>, out: number, x: T): T {
  const width = ops.shapeOf(x)[3] as number;
  const reduce = ops.reshape(weights.get('0.weight', [out, width, 1, 1]), [out, width]);
  const reduced = norm(ops, weights.under('1.'), out, ops.linear(x, reduce)); // [B, g, g, c]
  const mixed = ops.conv2d(ops.transpose(reduced, [0, 3, 1, 2]), weights.get('2.weight', [out, out, 3, 3]), undefined, { padding: 1 });
  const normed = norm(ops, weights.under('3.'), out, ops.transpose(mixed, [0, 2, 3, 1]));
  return ops.transpose(normed, [0, 3, 1, 2]);
}

function norm<T>(ops: Ops<T>, weights: Weights<T>, width: number, x: T): T {
  return ops.layerNorm(x, weights.get('weight', [width]), weights.get('bias', [width]), ENCODER_EPSILON);
}

/** x [B, g, g, D] -> the same; windowSize 0 = global attention. */
function block<T>(ops: Ops<T>, weights: Weights<T>, config: VitConfig, x: T, windowSize: number, piece: number): T {
  const { embedDim: width, numHeads: heads } = config;
  const hidden = Math.round(width * config.mlpRatio);
  const grid = ops.shapeOf(x)[1] as number;
  const batch = ops.shapeOf(x)[0] as number;
  const attention = weights.under('attn.');

  const normed = norm(ops, weights.under('norm1.'), width, x);
  // The bias joins after padding: padded cells then carry exactly the bias, as zero tokens would, and are never projected.
  const projected = ops.linear(normed, attention.get('qkv.weight', [3 * width, width])); // [B, g, g, 3D]
  const bias = attention.get('qkv.bias', [3 * width]);
  const size = windowSize > 0 ? windowSize : grid;
  const tables = relativePositions(ops, attention, size, width / heads);
  let attended: T;
  if (windowSize > 0) {
    const across = Math.ceil(grid / windowSize);
    const logits = batch * across * heads * windowSize ** 4; // of one row of windows
    attended = inPieces(ops, projected, 1, windowSize, piece / logits, (rows) => {
      const windows = ops.add(partition(ops, rows, windowSize), bias); // [B * n * n, w * w, 3D]
      return unpartition(ops, relativeAttention(ops, tables, heads, windows, windowSize, piece), windowSize, ops.shapeOf(rows) as number[]);
    });
  } else {
    const tokens = ops.add(ops.reshape(projected, [batch, grid * grid, 3 * width]), bias);
    attended = ops.reshape(relativeAttention(ops, tables, heads, tokens, grid, piece), ops.shapeOf(x));
  }
  const proj = ops.linear(attended, attention.get('proj.weight', [width, width]), attention.get('proj.bias', [width]));
  const y = ops.add(x, proj);

  const mlp = weights.under('mlp.');
  const perceive = (rows: T): T => {
    const inner = ops.gelu(ops.linear(rows, mlp.get('lin1.weight', [hidden, width]), mlp.get('lin1.bias', [hidden])));
    return ops.linear(inner, mlp.get('lin2.weight', [width, hidden]), mlp.get('lin2.bias', [width]));
  };
  return ops.add(y, inPieces(ops, norm(ops, weights.under('norm2.'), width, y), 1, 1, piece / (batch * grid * hidden), perceive));
}

/** Vectors of each axis for every pair of places, [query, key, d]. */
interface RelativePositions<T> {
  byRow: T;
  byColumn: T;
}

function relativePositions<T>(ops: Ops<T>, weights: Weights<T>, size: number, depth: number): RelativePositions<T> {
  const indices: number[] = [];
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) indices.push(i - j + size - 1);
  const table = (name: string): T => ops.reshape(ops.gatherRows(weights.get(name, [2 * size - 1, depth]), indices), [size, size, depth]);
  return { byRow: table('rel_pos_h'), byColumn: table('rel_pos_w') };
}

/**
 * Attention over a square of size x size cells with decomposed relative positions:
 * logits = (q / sqrt(d)) k + q . R_h[i_h - k_h] + q . R_w[i_w - k_w], the last two with unscaled q.
 * qkv [N, size * size, 3 * heads * d] -> [N, size * size, heads * d]
 */
function relativeAttention<T>(ops: Ops<T>, tables: RelativePositions<T>, heads: number, qkv: T, size: number, piece: number): T {
  const [count, cells, packed] = ops.shapeOf(qkv) as [number, number, number];
  const depth = packed / 3 / heads;
  const split = ops.transpose(ops.reshape(qkv, [count, cells, 3 * heads, depth]), [0, 2, 1, 3]); // [N, 3 * heads, cells, d]
  // As many queries as fit one head, then as many heads as fit.
  const whole = count * heads * cells * cells <= piece;
  const rows = whole ? size : Math.max(1, Math.floor(Math.min(QUERIES, piece / (count * cells)) / size));
  const together = whole ? heads : piece / (count * rows * size * cells);
  const chunks = spans(size, rows).map(([from, to]) => ({
    from,
    to,
    byRow: rows < size ? ops.slice(tables.byRow, 0, from, to) : tables.byRow,
  }));
  const groups = spans(heads, together).map(([from, to]) => {
    const part = (n: number): T => ops.slice(split, 1, n * heads + from, n * heads + to); // [N, h, cells, d]
    const [q, k, v] = [part(0), part(1), part(2)];
    const done = chunks.map((chunk) => {
      const queries = rows < size ? ops.slice(q, 2, chunk.from * size, chunk.to * size) : q;
      return attendRows(ops, { ...tables, byRow: chunk.byRow }, queries, k, v);
    });
    return done.length === 1 ? (done[0] as T) : ops.concat(done, 2);
  });
  return mergeHeads(ops, groups.length === 1 ? (groups[0] as T) : ops.concat(groups, 1));
}

/** Whole rows of queries [N, h, rows * size, d] against all cells; byRow [rows, size, d]; k, v [N, h, cells, d] -> like the queries */
function attendRows<T>(ops: Ops<T>, tables: RelativePositions<T>, queries: T, k: T, v: T): T {
  const [count, heads, cells, depth] = ops.shapeOf(k) as [number, number, number, number];
  const [rows, size] = ops.shapeOf(tables.byRow) as [number, number];
  const square = ops.reshape(queries, [count, heads, rows, size, depth]);
  const byRow = ops.matMul(square, tables.byRow, { transposeB: true }); // [N, h, rows, size, k_h]
  const byColumn = ops.transpose(
    ops.matMul(ops.transpose(square, [0, 1, 3, 2, 4]), tables.byColumn, { transposeB: true }), // [N, h, size, rows, k_w]
    [0, 1, 3, 2, 4],
  );
  const each = count * heads * rows * size;
  const scaled = ops.mul(queries, ops.constant([1 / Math.sqrt(depth)], [1]));
  const logits = ops.reshape(ops.matMul(scaled, k, { transposeB: true }), [each, size, size]);
  const biased = ops.add(ops.add(logits, ops.reshape(byRow, [each, size, 1])), ops.reshape(byColumn, [each, 1, size]));
  return ops.matMul(ops.softmax(ops.reshape(biased, [count, heads, rows * size, cells])), v);
}
