/** DINOv2's ViT (Oquab et al., 2023) as a backbone: patch tokens after three of its blocks, no final norm. */
import { attend } from './attention.ts';
import type { Dinov2Config } from './config.ts';
import type { Ops, Weights } from './ops.ts';

const EPSILON = 1e-6;

/** Blocks up to the second stage end. image [B, 3, S, S] -> f2, f3 [B, D, h, w] and the tokens stage 4 goes on from [B, 1 + h * w, D] */
export function dinov2Trunk<T>(ops: Ops<T>, weights: Weights<T>, config: Dinov2Config, image: T): { f2: T; f3: T; tokens: T } {
  const [end2, end3] = config.stageEnds;
  const second = blocks(ops, weights, config, embed(ops, weights, config, image), 0, end2);
  const third = blocks(ops, weights, config, second, end2, end3);
  return { f2: mapOf(ops, config, second), f3: mapOf(ops, config, third), tokens: third };
}

/** The last blocks. A mask [B, 1, h, w] zeroes patch tokens before them; the class token passes unchanged. -> [B, D, h, w] */
export function dinov2Final<T>(ops: Ops<T>, weights: Weights<T>, config: Dinov2Config, tokens: T, mask?: T): T {
  let x = tokens;
  if (mask !== undefined) {
    const [batch, count] = ops.shapeOf(tokens) as [number, number, number];
    const patches = ops.slice(tokens, 1, 1, count);
    const cells = ops.reshape(mask, [ops.shapeOf(mask)[0] as number, count - 1, 1]);
    const masked = ops.reshape(ops.mul(patches, cells), [batch, count - 1, config.embedDim]);
    x = ops.concat([ops.slice(tokens, 1, 0, 1), masked], 1);
  }
  return mapOf(ops, config, blocks(ops, weights, config, x, config.stageEnds[1], config.stageEnds[2]));
}

function side(config: Dinov2Config): number {
  return config.imageSize / config.patchSize;
}

function embed<T>(ops: Ops<T>, weights: Weights<T>, config: Dinov2Config, image: T): T {
  const { embedDim: width, patchSize } = config;
  const count = side(config) ** 2;
  const batch = ops.shapeOf(image)[0] as number;
  const map = ops.conv2d(
    image,
    weights.get('patch_embed.proj.weight', [width, 3, patchSize, patchSize]),
    weights.get('patch_embed.proj.bias', [width]),
    { stride: patchSize },
  ); // [B, D, h, w]
  const patches = ops.transpose(ops.reshape(map, [batch, width, count]), [0, 2, 1]);
  const classToken = ops.repeatLike(weights.get('cls_token', [1, 1, width]), patches);
  return ops.add(ops.concat([classToken, patches], 1), weights.get('pos_embed', [1, 1 + count, width]));
}

/** Patch tokens as a map: [B, 1 + h * w, D] -> [B, D, h, w] */
function mapOf<T>(ops: Ops<T>, config: Dinov2Config, tokens: T): T {
  const [batch, count, width] = ops.shapeOf(tokens) as [number, number, number];
  const patches = ops.transpose(ops.slice(tokens, 1, 1, count), [0, 2, 1]);
  return ops.reshape(patches, [batch, width, side(config), side(config)]);
}

function blocks<T>(ops: Ops<T>, weights: Weights<T>, config: Dinov2Config, x: T, from: number, to: number): T {
  const width = config.embedDim;
  const hidden = Math.round(width * config.mlpRatio);
  for (let i = from; i < to; i++) {
    const at = weights.under(`blocks.${i}.`);
    const norm = (name: string, y: T): T => ops.layerNorm(y, at.get(`${name}.weight`, [width]), at.get(`${name}.bias`, [width]), EPSILON);
    const linear = (name: string, y: T, out: number, input: number): T =>
      ops.linear(y, at.get(`${name}.weight`, [out, input]), at.get(`${name}.bias`, [out]));

    const qkv = linear('attn.qkv', norm('norm1', x), 3 * width, width); // [B, T, 3D]
    const part = (n: number): T => ops.slice(qkv, 2, n * width, (n + 1) * width);
    const attended = linear('attn.proj', attend(ops, part(0), part(1), part(2), config.numHeads), width, width);
    x = ops.add(x, ops.mul(attended, at.get('ls1.gamma', [width])));

    const inner = ops.gelu(linear('mlp.fc1', norm('norm2', x), hidden, width));
    x = ops.add(x, ops.mul(linear('mlp.fc2', inner, width, hidden), at.get('ls2.gamma', [width])));
  }
  return x;
}
