/** DINOv3 (Siméoni et al., 2025): no learned positions; queries and keys of patches are turned by where they lie. */
import { attend } from '../attention.ts';
import type { Dinov3Config } from './config.ts';
import { gridSide, patchTokens, prefixTokens, type DinoParts } from './parts.ts';
import type { Ops, Weights } from '../ops.ts';

export function dinov3Parts<T>(ops: Ops<T>, weights: Weights<T>, config: Dinov3Config): DinoParts<T> {
  const { embedDim: width, numHeads, numRegisterTokens } = config;
  const turn = rotation(ops, config);
  return {
    epsilon: 1e-5, // layer_norm_eps of DINOv3ViTConfig in transformers
    embed(image) {
      const patches = patchTokens(ops, weights, config, image); // [B, h * w, D]
      const before = [weights.get('cls_token', [1, 1, width])];
      if (numRegisterTokens > 0) before.push(weights.get('storage_tokens', [1, numRegisterTokens, width]));
      return ops.concat([...before.map((token) => ops.repeatLike(token, patches)), patches], 1); // [B, N, D]
    },
    attention(at, x) {
      const qkv = ops.linear(x, at.get('attn.qkv.weight', [3 * width, width])); // [B, N, 3D]
      const part = (n: number): T => ops.slice(qkv, 2, n * width, (n + 1) * width);
      const query = ops.add(part(0), at.get('attn.q.bias', [width]));
      const value = ops.add(part(2), at.get('attn.v.bias', [width])); // keys have no bias
      const attended = attend(ops, turn(query), turn(part(1)), value, numHeads);
      return ops.linear(attended, at.get('attn.proj.weight', [width, width]), at.get('attn.proj.bias', [width]));
    },
  };
}

/**
 * Rotary positions: the two halves of a head are the coordinates of points in the plane, each turned by its angle. Class and
 * register tokens have the angle 0. -> function from [B, N, D] to [B, N, D]
 */
function rotation<T>(ops: Ops<T>, config: Dinov3Config): (x: T) => T {
  const { embedDim: width, numHeads } = config;
  const depth = width / numHeads;
  const half = depth / 2;
  const tokens = prefixTokens(config) + gridSide(config) ** 2;
  const angles = rotaryAngles(config);
  const table = (of: (angle: number, second: boolean) => number): T => {
    const values = Float32Array.from({ length: tokens * depth }, (_, i) => {
      const inHead = i % depth;
      return of(angles[Math.floor(i / depth) * half + (inHead % half)] as number, inHead >= half);
    });
    return ops.constant(values, [1, tokens, 1, depth]);
  };
  const cos = table((angle) => Math.cos(angle));
  const sin = table((angle, second) => (second ? Math.sin(angle) : -Math.sin(angle)));
  return (x) => {
    const batch = ops.shapeOf(x)[0] as number;
    const heads = ops.reshape(x, [batch, tokens, numHeads, depth]);
    const swapped = ops.concat([ops.slice(heads, 3, half, depth), ops.slice(heads, 3, 0, half)], 3);
    const turned = ops.add(ops.mul(heads, cos), ops.mul(swapped, sin)); // [B, N, heads, d]
    return ops.reshape(turned, [batch, tokens, width]);
  };
}

/**
 * Angles of every token: first the vertical coordinate at d / 4 frequencies, then the horizontal one. Coordinates are those of the
 * patches' centres, from -1 to 1 over each axis. -> [N * d / 2], in radians
 */
function rotaryAngles(config: Dinov3Config): Float64Array {
  const side = gridSide(config);
  const half = config.embedDim / config.numHeads / 2;
  const frequencies = Array.from({ length: half / 2 }, (_, j) => (2 * Math.PI) / config.ropeTheta ** ((2 * j) / half));
  const first = prefixTokens(config);
  const angles = new Float64Array((first + side * side) * half);
  for (let cell = 0; cell < side * side; cell++) {
    [Math.floor(cell / side), cell % side].forEach((at, axis) => {
      const coordinate = (2 * (at + 0.5)) / side - 1;
      frequencies.forEach((frequency, j) => {
        angles[((first + cell) * 2 + axis) * (half / 2) + j] = coordinate * frequency;
      });
    });
  }
  return angles;
}
