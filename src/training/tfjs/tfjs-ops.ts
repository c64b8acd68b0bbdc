/** Executes networks eagerly on TensorFlow.js, which differentiates them: the engine's own functions, not twins. */
import type * as tfjs from '@tensorflow/tfjs-core';
import { attention, broadcastMatMul, depthwiseProduct, frozenProduct, gelu, normalise, repeat, type Tf } from './gradients.ts';
import { resizeBilinear } from './resize.ts';
import { fixed, type Conv2dOptions, type MaxPoolOptions, type Ops, type Shape } from '../../core/networks/ops.ts';

export type { Tf } from './gradients.ts';
type Tensor = tfjs.Tensor;

/**
 * tf: the instance whose backend is to run. Call inside `tf.tidy`; what is made is disposed of there.
 *
 * Differentiable: all but pooling and gathering, which only frozen networks use; convolutions along their input, depthwise ones where
 * every step counts. frozenWeights: the weights of `linear` need no gradient, which saves folding and unfolding around every product.
 */
export function tfjsOps(tf: Tf, { frozenWeights = false } = {}): Ops<Tensor> {
  const sizes = (shape: Shape): number[] => shape.map((dim) => (typeof dim === 'number' ? dim : -1));
  const scalar = (value: number): Tensor => tf.scalar(value);
  const matMul: Ops<Tensor>['matMul'] = (a, b, { transposeB = false } = {}) => broadcastMatMul(tf, a, b, transposeB);
  /** x [..., in] x weight [out, in] */
  const project = (x: Tensor, weight: Tensor): Tensor => {
    if (x.rank === 2) return tf.matMul(x, weight, false, true);
    if (frozenWeights) return frozenProduct(tf, x, weight);
    const rows = tf.reshape(x, [-1, x.shape.at(-1) as number]);
    return tf.reshape(tf.matMul(rows, weight, false, true), [...x.shape.slice(0, -1), weight.shape[0]]);
  };

  return {
    shapeOf: (x) => x.shape,
    constant: (values, shape) => tf.tensor(values instanceof Float32Array ? values : Float32Array.from(values), [...shape], 'float32'),
    add: (a, b) => tf.add(a, b),
    sub: (a, b) => tf.sub(a, b),
    mul: (a, b) => tf.mul(a, b),
    div: (a, b) => tf.div(a, b),
    maximum: (a, b) => tf.maximum(a, b),
    exp: (x) => tf.exp(x),
    sin: (x) => tf.sin(x),
    cos: (x) => tf.cos(x),
    sqrt: (x) => tf.sqrt(x),
    relu: (x) => tf.relu(x),
    clip: (x, low, high) => tf.clipByValue(x, low, high),
    gelu: (x) => gelu(tf, x),
    matMul,
    linear(x, weight, bias) {
      const product = project(x, weight);
      return bias ? tf.add(product, bias) : product;
    },
    softmax: (x) => tf.softmax(x),
    attend: (q, k, v, heads) => attention(tf, q, k, v, heads),
    layerNorm: (x, weight, bias, epsilon) => tf.add(tf.mul(normalise(tf, x, epsilon), weight), bias),
    reduceSum: (x, axes) => tf.sum(x, [...axes], true),
    reduceMax: (x, axes) => tf.max(x, [...axes], true),
    reduceMin: (x, axes) => tf.min(x, [...axes], true),
    reshape: (x, shape) => tf.reshape(x, sizes(shape)),
    transpose: (x, permutation) => tf.transpose(x, [...permutation]),
    concat: (xs, axis) => tf.concat([...xs], axis),
    slice(x, axis, start, end) {
      const begin = x.shape.map((_, i) => (i === axis ? start : 0));
      return tf.slice(
        x,
        begin,
        x.shape.map((dim, i) => (i === axis ? end - start : dim)),
      );
    },
    padEnd: (x, axis, count) => tf.concat([x, tf.zeros(x.shape.map((dim, i) => (i === axis ? count : dim)))], axis),
    gatherRows: (x, indices) => tf.gather(x, tf.tensor1d([...indices], 'int32')),
    repeatLike: (x, like) => repeat(tf, x, [like.shape[0], ...x.shape.slice(1)]),
    conv2d: (x, weight, bias, options) => conv2d(tf, x, weight, bias, options),
    maxPool: (x, options) => maxPool(tf, x, options),
    batchNorm(x, { weight, bias, mean, variance }, epsilon) {
      const perChannel = (values: Tensor): Tensor => tf.reshape(values, [1, -1, 1, 1]);
      const gain = tf.div(weight, tf.sqrt(tf.add(variance, scalar(epsilon))));
      return tf.add(tf.mul(x, perChannel(gain)), perChannel(tf.sub(bias, tf.mul(mean, gain))));
    },
    resizeAligned: (x, height, width) => resizeBilinear(tf, x, height, width, 'aligned'),
  };
}

/** TensorFlow convolves channels last on CPUs. */
function conv2d(tf: Tf, x: Tensor, weight: Tensor, bias: Tensor | undefined, options: Conv2dOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const last = tf.transpose(x, [0, 2, 3, 1]) as tfjs.Tensor4D;
  const padded = tf.pad4d(last, [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ]);
  const out =
    groups === 1
      ? tf.conv2d(padded, tf.transpose(weight, [2, 3, 1, 0]) as tfjs.Tensor4D, stride, 'valid', 'NHWC', dilation)
      : depthwise(tf, padded, weight, stride, dilation);
  return tf.transpose(bias ? tf.add(out, bias) : out, [0, 3, 1, 2]);
}

/** x [B, h, w, C], weight [C * n, 1, kh, kw] -> [B, h', w', C * n]; n kernels a channel, channel after channel */
function depthwise(tf: Tf, x: tfjs.Tensor4D, weight: Tensor, stride: number, dilation: number): tfjs.Tensor4D {
  const [, , , channels] = x.shape;
  const [out, from, height, width] = weight.shape as [number, number, number, number];
  if (from !== 1 || out % channels !== 0) throw new Error(`convolution in groups of ${from} channels; only single channels are supported`);
  const kernel = tf.reshape<tfjs.Rank.R4>(tf.transpose(weight, [2, 3, 0, 1]), [height, width, channels, out / channels]);
  if (stride === 1 && dilation === 1 && out === channels) return depthwiseProduct(tf, x, kernel);
  return tf.depthwiseConv2d(x, kernel, stride, 'valid', 'NHWC', dilation);
}

/** Below everything a feature can be, and finite on every backend. */
const LOWEST = -3e38;

function maxPool(tf: Tf, x: Tensor, { size, stride, padding = 0, ceilMode = false }: MaxPoolOptions): Tensor {
  const last = tf.transpose(x, [0, 2, 3, 1]) as tfjs.Tensor4D;
  /** Overhang of ceilMode's last window. */
  const extra = (dim: number): number => {
    const windows = (ceilMode ? Math.ceil : Math.floor)((fixed(dim) + 2 * padding - size) / stride);
    return Math.max(0, windows * stride + size - dim - 2 * padding);
  };
  const [, height, width] = last.shape;
  const padded = tf.pad4d(
    last,
    [
      [0, 0],
      [padding, padding + extra(height)],
      [padding, padding + extra(width)],
      [0, 0],
    ],
    LOWEST,
  );
  return tf.transpose(tf.maxPool(padded, size, stride, 'valid'), [0, 3, 1, 2]);
}
