/** Convolution and batch norm, as the convolutional networks pair them. */
import { fixed, type Conv2dOptions, type Ops, type Weights } from './ops.ts';

/** PyTorch's default, which all of these networks were trained with. */
const EPSILON = 1e-5;

/** Batch norm with running statistics, a node of its own: a runtime may fold it into the convolution before. x [B, C, h, w] -> the same */
export function batchNorm<T>(ops: Ops<T>, weights: Weights<T>, x: T): T {
  const channels = fixed(ops.shapeOf(x)[1]);
  const of = (name: string): T => weights.get(name, [channels]);
  return ops.batchNorm(x, { weight: of('weight'), bias: of('bias'), mean: of('running_mean'), variance: of('running_var') }, EPSILON);
}

/** A size x size convolution without bias, then batch norm. names: of both layers below `weights`. x [B, in, h, w] -> [B, out, h', w'] */
export function convNorm<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  names: readonly [conv: string, norm: string],
  x: T,
  out: number,
  size: number,
  options: Conv2dOptions = {},
): T {
  const [conv, norm] = names;
  const from = fixed(ops.shapeOf(x)[1]) / (options.groups ?? 1);
  const y = ops.conv2d(x, weights.get(`${conv}.weight`, [out, from, size, size]), undefined, options);
  return batchNorm(ops, weights.under(`${norm}.`), y);
}
