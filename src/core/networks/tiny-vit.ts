/**
 * TinyViT (Wu et al., 2022) as MobileSAM's image encoder (Zhang et al., 2023): a stage of inverted bottlenecks, then three of
 * windowed attention with learned biases, each with a depthwise convolution before its MLP. The last merging keeps the grid, so that
 * the neck and everything behind it are SAM's own. Names are those of the original checkpoint.
 */
import { mergeHeads } from './attention.ts';
import type { TinyVitConfig } from './config.ts';
import { convNorm } from './conv-norm.ts';
import { fixed, type Conv2dOptions, type Ops, type Weights } from './ops.ts';
import { partition, unpartition } from './windows.ts';

const EPSILON = 1e-5;

/** image [B, 3, S, S], normalised. weights: below the encoder's own prefix. -> what the third stage starts from, the blocks of the last two */
export function tinyVit<T>(ops: Ops<T>, weights: Weights<T>, config: TinyVitConfig, image: T): { patches: T; blocks: T[] } {
  const { embedDims, depths } = config;
  const stage = (i: number): Weights<T> => weights.under(`layers.${i}.`);
  const merged = (i: number, x: T, stride: number): T => merge(ops, stage(i).under('downsample.'), x, embedDims[i + 1] as number, stride);

  let x = embed(ops, weights.under('patch_embed.seq.'), embedDims[0], image); // [B, C1, S/4, S/4]
  for (let i = 0; i < depths[0]; i++) x = invertedBottleneck(ops, stage(0).under(`blocks.${i}.`), config.mbconvExpandRatio, x);
  x = toCells(ops, merged(0, x, 2)); // [B, S/8, S/8, C2]
  for (let i = 0; i < depths[1]; i++) x = block(ops, stage(1).under(`blocks.${i}.`), config, 1, x);

  const patches = toCells(ops, merged(1, toMap(ops, x), 2)); // [B, g, g, C3]
  const blocks: T[] = [];
  x = patches;
  for (const index of [2, 3] as const) {
    if (index === 3) x = toCells(ops, merged(2, toMap(ops, x), 1)); // [B, g, g, C4]
    for (let i = 0; i < depths[index]; i++) {
      x = block(ops, stage(index).under(`blocks.${i}.`), config, index, x);
      blocks.push(x);
    }
  }
  return { patches, blocks };
}

/** [B, C, h, w] -> [B, h, w, C] */
function toCells<T>(ops: Ops<T>, x: T): T {
  return ops.transpose(x, [0, 2, 3, 1]);
}

/** [B, h, w, C] -> [B, C, h, w] */
function toMap<T>(ops: Ops<T>, x: T): T {
  return ops.transpose(x, [0, 3, 1, 2]);
}

function conv<T>(ops: Ops<T>, weights: Weights<T>, name: string, x: T, out: number, size: number, options?: Conv2dOptions): T {
  return convNorm(ops, weights, [`${name}.c`, `${name}.bn`], x, out, size, options);
}

/** Every channel for itself; the size of the map stays where stride is 1. */
function depthwise<T>(ops: Ops<T>, weights: Weights<T>, name: string, x: T, size: number, stride = 1): T {
  const channels = fixed(ops.shapeOf(x)[1]);
  return conv(ops, weights, name, x, channels, size, { stride, padding: (size - 1) / 2, groups: channels });
}

function embed<T>(ops: Ops<T>, weights: Weights<T>, width: number, image: T): T {
  const half = ops.gelu(conv(ops, weights, '0', image, width / 2, 3, { stride: 2, padding: 1 }));
  return conv(ops, weights, '2', half, width, 3, { stride: 2, padding: 1 });
}

/** x [B, C, h, w] -> the same */
function invertedBottleneck<T>(ops: Ops<T>, weights: Weights<T>, ratio: number, x: T): T {
  const width = fixed(ops.shapeOf(x)[1]);
  const wide = ops.gelu(conv(ops, weights, 'conv1', x, Math.trunc(width * ratio), 1));
  const mixed = ops.gelu(depthwise(ops, weights, 'conv2', wide, 3));
  return ops.gelu(ops.add(conv(ops, weights, 'conv3', mixed, width, 1), x));
}

/** From one stage to the next. x [B, C, h, w] -> [B, out, h / stride, w / stride] */
function merge<T>(ops: Ops<T>, weights: Weights<T>, x: T, out: number, stride: number): T {
  const wide = ops.gelu(conv(ops, weights, 'conv1', x, out, 1));
  const mixed = ops.gelu(depthwise(ops, weights, 'conv2', wide, 3, stride));
  return conv(ops, weights, 'conv3', mixed, out, 1);
}

/** x [B, h, h, C] -> the same */
function block<T>(ops: Ops<T>, weights: Weights<T>, config: TinyVitConfig, stage: 1 | 2 | 3, x: T): T {
  const [batch, side, , width] = ops.shapeOf(x) as [number, number, number, number];
  const window = config.windowSizes[stage];
  const hidden = Math.trunc(width * config.mlpRatio);
  const linear = (at: Weights<T>, name: string, y: T, from: number, to: number): T =>
    ops.linear(y, at.get(`${name}.weight`, [to, from]), at.get(`${name}.bias`, [to]));
  const norm = (at: Weights<T>, y: T): T => ops.layerNorm(y, at.get('norm.weight', [width]), at.get('norm.bias', [width]), EPSILON);

  // Zero cells are put in before the norm, as in training: they attend, and are attended to, as what norm and projection make of zero.
  const attn = weights.under('attn.');
  const qkv = linear(attn, 'qkv', norm(attn, partition(ops, x, window)), width, 3 * width); // [N, w * w, 3C]
  const attended = linear(attn, 'proj', biasedAttention(ops, attn, config.numHeads[stage], qkv, window), width, width);
  const y = ops.add(x, unpartition(ops, attended, window, [batch, side, side]));

  const local = toCells(ops, depthwise(ops, weights, 'local_conv', toMap(ops, y), config.localConvSize));
  const mlp = weights.under('mlp.');
  return ops.add(local, linear(mlp, 'fc2', ops.gelu(linear(mlp, 'fc1', norm(mlp, local), width, hidden)), hidden, width));
}

/** Queries, keys and values lie together head by head. qkv [N, w * w, heads * 3 * d] -> [N, w * w, heads * d] */
function biasedAttention<T>(ops: Ops<T>, weights: Weights<T>, heads: number, qkv: T, window: number): T {
  const [count, cells, packed] = ops.shapeOf(qkv) as [number, number, number];
  const depth = packed / 3 / heads;
  const split = ops.transpose(ops.reshape(qkv, [count, cells, heads, 3 * depth]), [0, 2, 1, 3]); // [N, heads, cells, 3d]
  const part = (i: number): T => ops.slice(split, 3, i * depth, (i + 1) * depth);
  const scaled = ops.mul(part(0), ops.constant([1 / Math.sqrt(depth)], [1]));
  const logits = ops.matMul(scaled, part(1), { transposeB: true }); // [N, heads, cells, cells]
  const biased = ops.add(logits, attentionBias(ops, weights.get('attention_biases', [heads, window * window]), heads, window));
  return mergeHeads(ops, ops.matMul(ops.softmax(biased), part(2)));
}

/**
 * One learned number per head and distance (|dy|, |dx|), spread over all pairs of cells, first along the rows and then along the columns.
 * table [heads, w * w], entry |dy| * w + |dx| -> [heads, cells, cells]
 */
function attentionBias<T>(ops: Ops<T>, table: T, heads: number, window: number): T {
  const cells = window * window;
  const distances = Array.from({ length: cells }, (_, i) => Math.abs(Math.floor(i / window) - (i % window)));
  const byRow = ops.gatherRows(ops.transpose(ops.reshape(table, [heads, window, window]), [1, 0, 2]), distances); // [y * y', heads, |dx|]
  const byColumn = ops.gatherRows(ops.transpose(byRow, [2, 0, 1]), distances); // [x * x', y * y', heads]
  const pairs = ops.reshape(byColumn, [window, window, window, window, heads]); // [x, x', y, y', heads]
  return ops.reshape(ops.transpose(pairs, [4, 2, 0, 3, 1]), [heads, cells, cells]);
}
