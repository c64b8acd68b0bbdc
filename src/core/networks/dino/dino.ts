/** DINO's ViTs as backbones: patch tokens after three of their blocks, no final norm. */
import type { DinoConfig } from './config.ts';
import { gridSide, prefixTokens, type DinoParts } from './parts.ts';
import { dinov2Parts } from './dinov2.ts';
import { dinov3Parts } from './dinov3.ts';
import type { Ops, Weights } from '../ops.ts';

/**
 * Blocks up to the second stage end. image [B, 3, S, S] -> f2, f3 [B, D, h, w] and the tokens stage 4 goes on from
 * [B, 1 + registers + h * w, D]
 */
export function dinoTrunk<T>(ops: Ops<T>, weights: Weights<T>, config: DinoConfig, image: T): { f2: T; f3: T; tokens: T } {
  const [end2, end3] = config.stageEnds;
  const parts = partsOf(ops, weights, config);
  const second = blocks(ops, weights, config, parts, parts.embed(image), 0, end2);
  const third = blocks(ops, weights, config, parts, second, end2, end3);
  return { f2: mapOf(ops, config, second), f3: mapOf(ops, config, third), tokens: third };
}

/** The last blocks. A mask [B, 1, h, w] zeroes patch tokens before them; class and register tokens pass unchanged. -> [B, D, h, w] */
export function dinoFinal<T>(ops: Ops<T>, weights: Weights<T>, config: DinoConfig, tokens: T, mask?: T): T {
  let x = tokens;
  if (mask !== undefined) {
    const [batch, count] = ops.shapeOf(tokens) as [number, number, number];
    const first = prefixTokens(config);
    const patches = ops.slice(tokens, 1, first, count);
    const cells = ops.reshape(mask, [ops.shapeOf(mask)[0] as number, count - first, 1]);
    const masked = ops.reshape(ops.mul(patches, cells), [batch, count - first, config.embedDim]);
    x = ops.concat([ops.slice(tokens, 1, 0, first), masked], 1);
  }
  const [, from, to] = config.stageEnds;
  return mapOf(ops, config, blocks(ops, weights, config, partsOf(ops, weights, config), x, from, to));
}

function partsOf<T>(ops: Ops<T>, weights: Weights<T>, config: DinoConfig): DinoParts<T> {
  return config.kind === 'dinov2' ? dinov2Parts(ops, weights, config) : dinov3Parts(ops, weights, config);
}

/** Patch tokens as a map: [B, 1 + registers + h * w, D] -> [B, D, h, w] */
function mapOf<T>(ops: Ops<T>, config: DinoConfig, tokens: T): T {
  const [batch, count, width] = ops.shapeOf(tokens) as [number, number, number];
  const patches = ops.transpose(ops.slice(tokens, 1, prefixTokens(config), count), [0, 2, 1]);
  return ops.reshape(patches, [batch, width, gridSide(config), gridSide(config)]);
}

function blocks<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  { embedDim: width, mlpRatio }: DinoConfig,
  { epsilon, attention }: DinoParts<T>,
  tokens: T,
  from: number,
  to: number,
): T {
  const hidden = Math.round(width * mlpRatio);
  let x = tokens;
  for (let i = from; i < to; i++) {
    const at = weights.under(`blocks.${i}.`);
    const norm = (name: string, y: T): T => ops.layerNorm(y, at.get(`${name}.weight`, [width]), at.get(`${name}.bias`, [width]), epsilon);
    const linear = (name: string, y: T, out: number, input: number): T =>
      ops.linear(y, at.get(`${name}.weight`, [out, input]), at.get(`${name}.bias`, [out]));

    x = ops.add(x, ops.mul(attention(at, norm('norm1', x)), at.get('ls1.gamma', [width])));
    const inner = ops.gelu(linear('mlp.fc1', norm('norm2', x), hidden, width));
    x = ops.add(x, ops.mul(linear('mlp.fc2', inner, width, hidden), at.get('ls2.gamma', [width])));
  }
  return x;
}
