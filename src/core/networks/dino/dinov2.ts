/** DINOv2 (Oquab et al., 2023), also with registers (Darcet et al., 2023): learned positions, query, key and value in one layer. */
import { attend } from '../attention.ts';
import type { Dinov2Config } from './config.ts';
import { gridSide, patchTokens, type DinoParts } from './parts.ts';
import type { Ops, Weights } from '../ops.ts';

export function dinov2Parts<T>(ops: Ops<T>, weights: Weights<T>, config: Dinov2Config): DinoParts<T> {
  const { embedDim: width, numHeads, numRegisterTokens } = config;
  const cells = gridSide(config) ** 2;
  return {
    epsilon: 1e-6, // facebookresearch/dinov2, vision_transformer.py
    embed(image) {
      const patches = patchTokens(ops, weights, config, image); // [B, h * w, D]
      const classToken = ops.repeatLike(weights.get('cls_token', [1, 1, width]), patches);
      const placed = ops.add(ops.concat([classToken, patches], 1), weights.get('pos_embed', [1, 1 + cells, width]));
      if (numRegisterTokens === 0) return placed;
      // Registers come after the positions: they have none.
      const registers = ops.repeatLike(weights.get('register_tokens', [1, numRegisterTokens, width]), patches);
      return ops.concat([ops.slice(placed, 1, 0, 1), registers, ops.slice(placed, 1, 1, 1 + cells)], 1); // [B, N, D]
    },
    attention(at, x) {
      const qkv = ops.linear(x, at.get('attn.qkv.weight', [3 * width, width]), at.get('attn.qkv.bias', [3 * width])); // [B, N, 3D]
      const part = (n: number): T => ops.slice(qkv, 2, n * width, (n + 1) * width);
      const attended = attend(ops, part(0), part(1), part(2), numHeads);
      return ops.linear(attended, at.get('attn.proj.weight', [width, width]), at.get('attn.proj.bias', [width]));
    },
  };
}
