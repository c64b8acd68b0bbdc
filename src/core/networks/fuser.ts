/**
 * Convolutional blocks over the sum of image embedding and mask prompt, before the mask decoder's transformer, which never mixes
 * neighbours: ConvNeXt blocks (Liu et al., 2022), as SAM 2's memory encoder has them.
 */
import type { Ops, Weights } from './ops.ts';

const KERNEL = 7;
const EPSILON = 1e-6;

/** x + gamma * MLP(LN(depthwise(x))). x [B, c, g, g] -> the same */
export function fuse<T>(ops: Ops<T>, weights: Weights<T>, { blocks, dim }: { blocks: number; dim: number }, x: T): T {
  const width = ops.shapeOf(x)[1] as number;
  let map = x;
  for (let i = 0; i < blocks; i++) {
    const at = weights.under(`${i}.`);
    const bias = (name: string, size: number): T => at.get(`${name}.bias`, [size]);
    const options = { padding: (KERNEL - 1) / 2, groups: width };
    const mixed = ops.conv2d(map, at.get('dwconv.weight', [width, 1, KERNEL, KERNEL]), bias('dwconv', width), options);
    const cells = ops.transpose(mixed, [0, 2, 3, 1]); // [B, g, g, c]
    const normed = ops.layerNorm(cells, at.get('norm.weight', [width]), bias('norm', width), EPSILON);
    const inner = ops.gelu(ops.linear(normed, at.get('pwconv1.weight', [dim, width]), bias('pwconv1', dim)));
    const out = ops.linear(inner, at.get('pwconv2.weight', [width, dim]), bias('pwconv2', width));
    map = ops.add(map, ops.transpose(ops.mul(out, at.get('gamma', [width])), [0, 3, 1, 2]));
  }
  return map;
}
