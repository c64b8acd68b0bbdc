/**
 * SAM's image encoder: a plain ViT with windowed and global attention, decomposed relative positions and a
 * convolutional neck (Kirillov et al., Segment Anything, appendix A), or MobileSAM's TinyViT under the same neck. Names are
 * those of the original checkpoints.
 */
import type { SamConfig, VitConfig } from './config.ts';
import { mergeHeads } from './attention.ts';
import type { Ops, Weights } from './ops.ts';
import { tinyVit } from './tiny-vit.ts';
import { partition, unpartition } from './windows.ts';

/** The paper's code uses 1e-6 in the encoder and in channel norms, 1e-5 in the decoder. */
export const ENCODER_EPSILON = 1e-6;

/** Rows of queries are attended in chunks once the logits of one head would exceed this many per key. */
const QUERY_CHUNK = 512;

export interface SamImageFeatures<T> {
  /** What the first of `blocks` starts from: patch plus position embedding; TinyViT's map after its second merging. [B, g, g, D] */
  patches: T;
  /** Output of every block on the embedding's grid. [B, g, g, D] each; TinyViT's last stage is wider than the one before */
  blocks: readonly T[];
  /** [B, c, g, g] */
  embedding: T;
}

/** image [B, 3, S, S], normalised. */
export function samImageEncoder<T>(ops: Ops<T>, weights: Weights<T>, config: SamConfig, image: T): SamImageFeatures<T> {
  const { encoder, outChans } = config;
  const at = weights.under('image_encoder.');
  const { patches, blocks } = encoder.kind === 'vit' ? vit(ops, at, encoder, image) : tinyVit(ops, at, encoder, image);
  return { patches, blocks, embedding: neck(ops, at.under('neck.'), outChans, blocks.at(-1) as T) };
}

function vit<T>(ops: Ops<T>, weights: Weights<T>, config: VitConfig, image: T): Pick<SamImageFeatures<T>, 'patches' | 'blocks'> {
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
    x = block(ops, weights.under(`blocks.${i}.`), config, x, windowSize);
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
function block<T>(ops: Ops<T>, weights: Weights<T>, config: VitConfig, x: T, windowSize: number): T {
  const width = config.embedDim;
  const hidden = Math.round(width * config.mlpRatio);
  const grid = ops.shapeOf(x)[1] as number;
  const attention = weights.under('attn.');

  const normed = norm(ops, weights.under('norm1.'), width, x);
  // The bias joins after padding: padded cells then carry exactly the bias, as zero tokens would, and are never projected.
  const projected = ops.linear(normed, attention.get('qkv.weight', [3 * width, width])); // [B, g, g, 3D]
  const bias = attention.get('qkv.bias', [3 * width]);
  let attended: T;
  if (windowSize > 0) {
    const windows = partition(ops, projected, windowSize); // [B * n * n, w * w, 3D]
    const out = relativeAttention(ops, attention, config.numHeads, ops.add(windows, bias), windowSize);
    attended = unpartition(ops, out, windowSize, grid, ops.shapeOf(x)[0] as number);
  } else {
    const tokens = ops.reshape(projected, [ops.shapeOf(x)[0] as number, grid * grid, 3 * width]);
    const out = relativeAttention(ops, attention, config.numHeads, ops.add(tokens, bias), grid);
    attended = ops.reshape(out, ops.shapeOf(x));
  }
  const proj = ops.linear(attended, attention.get('proj.weight', [width, width]), attention.get('proj.bias', [width]));
  const y = ops.add(x, proj);

  const mlp = weights.under('mlp.');
  const inner = ops.gelu(
    ops.linear(norm(ops, weights.under('norm2.'), width, y), mlp.get('lin1.weight', [hidden, width]), mlp.get('lin1.bias', [hidden])),
  );
  return ops.add(y, ops.linear(inner, mlp.get('lin2.weight', [width, hidden]), mlp.get('lin2.bias', [width])));
}

/**
 * Attention over a square of size x size cells with decomposed relative positions:
 * logits = (q / sqrt(d)) k + q . R_h[i_h - k_h] + q . R_w[i_w - k_w], the last two with unscaled q.
 * qkv [N, size * size, 3 * heads * d] -> [N, size * size, heads * d]
 */
function relativeAttention<T>(ops: Ops<T>, weights: Weights<T>, heads: number, qkv: T, size: number): T {
  const [count, cells, packed] = ops.shapeOf(qkv) as [number, number, number];
  const depth = packed / 3 / heads;
  const split = ops.transpose(ops.reshape(qkv, [count, cells, 3 * heads, depth]), [0, 2, 1, 3]); // [N, 3 * heads, cells, d]
  const q = ops.slice(split, 1, 0, heads);
  const k = ops.slice(split, 1, heads, 2 * heads);
  const v = ops.slice(split, 1, 2 * heads, 3 * heads);
  const scale = ops.constant([1 / Math.sqrt(depth)], [1]);

  const indices: number[] = [];
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) indices.push(i - j + size - 1);
  const table = (name: string): T => ops.reshape(ops.gatherRows(weights.get(name, [2 * size - 1, depth]), indices), [size, size, depth]); // [i, k, d]
  const relH = table('rel_pos_h');
  const relW = table('rel_pos_w');

  const rowsPerChunk = cells > 2 * QUERY_CHUNK ? Math.max(1, Math.floor(QUERY_CHUNK / size)) : size;
  const chunks: T[] = [];
  for (let row = 0; row < size; row += rowsPerChunk) {
    const rows = Math.min(rowsPerChunk, size - row);
    const queries = rows === size ? q : ops.slice(q, 2, row * size, (row + rows) * size); // [N, heads, rows * size, d]
    const square = ops.reshape(queries, [count, heads, rows, size, depth]);
    const byRow = ops.matMul(square, rows === size ? relH : ops.slice(relH, 0, row, row + rows), { transposeB: true }); // [N, heads, rows, size, k_h]
    const byColumn = ops.transpose(
      ops.matMul(ops.transpose(square, [0, 1, 3, 2, 4]), relW, { transposeB: true }), // [N, heads, size, rows, k_w]
      [0, 1, 3, 2, 4],
    );
    const each = count * heads * rows * size;
    const logits = ops.reshape(ops.matMul(ops.mul(queries, scale), k, { transposeB: true }), [each, size, size]);
    const biased = ops.add(ops.add(logits, ops.reshape(byRow, [each, size, 1])), ops.reshape(byColumn, [each, 1, size]));
    chunks.push(ops.matMul(ops.softmax(ops.reshape(biased, [count, heads, rows * size, cells])), v)); // [N, heads, rows * size, d]
  }
  return mergeHeads(ops, chunks.length === 1 ? (chunks[0] as T) : ops.concat(chunks, 2));
}
