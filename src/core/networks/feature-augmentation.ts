/**
 * Feature augmentation (paper, section 8.1 and figure 5): image features reduced by a learned pointwise convolution, the
 * reference's annotation pooled into a prototype, and both joined with the mask into enhanced features. The pseudo mask of the
 * target is in pseudo-mask.ts. Block structure as in the public VRP-SAM code.
 */
import type { PromptEncoderConfig } from './config.ts';
import type { Dim, Ops, Weights } from './ops.ts';

/** Keeps the prototype of an empty mask at zero (public code). */
const POOL_EPSILON = 0.0005;

/**
 * F_I = ReLU(conv1x1(f_I(I))), the pointwise convolution of figure 5 behind the frozen image encoder: learned, shared by reference and
 * target; then Dropout2d in training. mid [B, C, h, w], channelFactors [B, c, 1] -> [B, c, h, w]
 */
export function reduceFeatures<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, mid: T, channelFactors: T | undefined): T {
  const [batch, channels, height, width] = ops.shapeOf(mid) as [Dim, number, number, number];
  const weight = ops.reshape(weights.get('reduce.weight', [config.dim, channels, 1, 1]), [config.dim, channels]);
  const reduced = ops.relu(pointwise(ops, mid, weight)); // [B, c, hw]
  const kept = channelFactors === undefined ? reduced : ops.mul(reduced, channelFactors); // [B, c, hw]
  return ops.reshape(kept, [batch, config.dim, height, width]); // [B, c, h, w]
}

/**
 * F_M = sum(F_I * M) / (sum(M) + 0.0005) per channel: average pooling of figure 5, over the annotated region.
 * features [B, c, h, w], mask [B, 1, h, w] -> [B, c, 1, 1]
 */
export function maskedAveragePool<T>(ops: Ops<T>, features: T, mask: T): T {
  const total = ops.reduceSum(ops.mul(features, mask), [2, 3]); // [B, c, 1, 1]
  return ops.div(total, ops.add(ops.reduceSum(mask, [2, 3]), ops.constant([POOL_EPSILON], [1])));
}

/**
 * F^v = ReLU(conv1x1([F_I, F_M tiled, 10 M])), the enhanced features of figure 5: F_r^v of the reference with its annotation, F_t^v of the
 * target with its pseudo mask (the factor is the public code's). The convolution's columns are applied to the three parts one by one, so the prototype is never tiled.
 * reduced [B, c, h, w], prototype [B, c, 1, 1], mask [B, 1, h, w] -> [B, c, h, w]
 */
export function enhanceFeatures<T>(ops: Ops<T>, weights: Weights<T>, config: PromptEncoderConfig, reduced: T, prototype: T, mask: T): T {
  const { dim } = config;
  const [batch, , height, width] = ops.shapeOf(reduced) as [Dim, number, number, number];
  const weight = ops.reshape(weights.get('fuse.weight', [dim, 2 * dim + 1, 1, 1]), [dim, 2 * dim + 1]);
  const columns = (from: number, to: number): T => ops.slice(weight, 1, from, to);
  const gained = ops.mul(mask, ops.constant([config.maskGain], [1])); // [B, 1, h, w]
  const fromFeatures = pointwise(ops, reduced, columns(0, dim)); // [B, c, hw]
  const fromPrototype = pointwise(ops, prototype, columns(dim, 2 * dim)); // [B, c, 1]
  const fromMask = pointwise(ops, gained, columns(2 * dim, 2 * dim + 1)); // [B, c, hw]
  const sum = ops.add(ops.add(fromFeatures, fromPrototype), fromMask); // [B, c, hw]
  return ops.reshape(ops.relu(sum), [batch, dim, height, width]);
}

/** 1x1 convolution without bias, as a product. x [B, in, h, w], weight [out, in] -> [B, out, h * w] */
function pointwise<T>(ops: Ops<T>, x: T, weight: T): T {
  const [batch, channels, height, width] = ops.shapeOf(x) as [Dim, number, number, number];
  return ops.matMul(weight, ops.reshape(x, [batch, channels, height * width]));
}
