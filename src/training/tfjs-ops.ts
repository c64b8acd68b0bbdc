/** Executes networks eagerly on TensorFlow.js, which differentiates them: the engine's own functions, not twins. */
import type * as tfjs from '@tensorflow/tfjs-core';
import { fixed, type Conv2dOptions, type MaxPoolOptions, type Ops, type Shape } from '../core/model/ops.ts';

export type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;

/**
 * tf: the instance whose backend is to run. Call inside `tf.tidy`; what is made is disposed of there.
 *
 * Differentiable: all but convolution, pooling and gathering, which only frozen networks use. frozenWeights: the weights of
 * `linear` need no gradient, which saves folding and unfolding around every product.
 */
export function tfjsOps(tf: Tf, { frozenWeights = false } = {}): Ops<Tensor> {
  const sizes = (shape: Shape): number[] => shape.map((dim) => (typeof dim === 'number' ? dim : -1));
  const scalar = (value: number): Tensor => tf.scalar(value);
  const matMul: Ops<Tensor>['matMul'] = (a, b, { transposeB = false } = {}) => broadcastMatMul(tf, a, b, transposeB);
  /** x [..., in] x weight [out, in] */
  const project = (x: Tensor, weight: Tensor): Tensor => {
    if (x.rank === 2) return tf.matMul(x, weight, false, true);
    if (frozenWeights) {
      const op = tf.customGrad((input) => ({
        value: tf.matMul(input as Tensor, weight, false, true),
        gradFunc: (dy: Tensor) => tf.matMul(dy, weight),
      }));
      return op(x);
    }
    const rows = tf.reshape(x, [-1, x.shape.at(-1) as number]);
    return tf.reshape(tf.matMul(rows, weight, false, true), [...x.shape.slice(0, -1), weight.shape[0] as number]);
  };

  return {
    shapeOf: (x) => x.shape,
    constant: (values, shape) => tf.tensor(Float32Array.from(values), [...shape], 'float32'),
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
    gelu: (x) => gelu(tf, x),
    matMul,
    linear(x, weight, bias) {
      const product = project(x, weight);
      return bias ? tf.add(product, bias) : product;
    },
    softmax: (x) => tf.softmax(x),
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
    resizeAligned: (x, height, width) => resizeAligned(tf, x, height, width),
  };
}

/** Backends multiply with broadcast batches; the library's gradient does not know of it. */
function broadcastMatMul(tf: Tf, a: Tensor, b: Tensor, transposeB: boolean): Tensor {
  const same = a.rank === b.rank && a.shape.slice(0, -2).every((dim, i) => dim === b.shape[i]);
  if (same) return tf.matMul(a, b, false, transposeB);
  const op = tf.customGrad((first, second, save) => {
    const [x, y] = [first as Tensor, second as Tensor];
    (save as tfjs.GradSaveFunc)([x, y]);
    return {
      value: tf.matMul(x, y, false, transposeB),
      gradFunc: (dy: Tensor, [left, right]: Tensor[]) => {
        const [p, q] = [left as Tensor, right as Tensor];
        const dq = transposeB ? tf.matMul(dy, p, true, false) : tf.matMul(p, dy, true, false);
        return [sumTo(tf, tf.matMul(dy, q, false, !transposeB), p.shape), sumTo(tf, dq, q.shape)];
      },
    };
  });
  return op(a, b);
}

/** The gradient of broadcasting: sums over what was stretched. */
function sumTo(tf: Tf, x: Tensor, shape: readonly number[]): Tensor {
  const from = [...new Array<number>(x.rank - shape.length).fill(1), ...shape];
  const axes = x.shape.flatMap((dim, i) => (dim !== from[i] ? [i] : []));
  return tf.reshape(axes.length === 0 ? x : tf.sum(x, axes, true), [...shape]);
}

/** x stretched to `shape` along its axes of length 1. The library's own gradient adds slice after slice; one sum does. */
function repeat(tf: Tf, x: Tensor, shape: readonly number[]): Tensor {
  const from = [...new Array<number>(shape.length - x.rank).fill(1), ...x.shape];
  const axes = shape.flatMap((dim, i) => (dim !== from[i] ? [i] : []));
  const shaped = tf.reshape(x, from);
  if (axes.length === 0) return shaped;
  const op = tf.customGrad((input) => ({
    value: tf.tile(
      input as Tensor,
      shape.map((dim, i) => dim / (from[i] as number)),
    ),
    gradFunc: (dy: Tensor) => tf.sum(dy, axes, true),
  }));
  return op(shaped);
}

/** x (1 + erf(x / sqrt 2)) / 2; derivative Phi(x) + x phi(x). */
function gelu(tf: Tf, x: Tensor): Tensor {
  const halfErf = (v: Tensor): Tensor => tf.mul(tf.add(tf.erf(tf.mul(v, Math.SQRT1_2)), 1), 0.5);
  const op = tf.customGrad((input, save) => {
    const v = input as Tensor;
    (save as tfjs.GradSaveFunc)([v]);
    return {
      value: tf.mul(v, halfErf(v)),
      gradFunc: (dy: Tensor, [saved]: Tensor[]) => {
        const at = saved as Tensor;
        const density = tf.mul(tf.exp(tf.mul(tf.square(at), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return tf.mul(dy, tf.add(halfErf(at), tf.mul(at, density)));
      },
    };
  });
  return op(x);
}

/** (x - mean) / sqrt(variance + epsilon) over the last axis, with its gradient in closed form. */
function normalise(tf: Tf, x: Tensor, epsilon: number): Tensor {
  const mean = (v: Tensor): Tensor => tf.mean(v, -1, true);
  const op = tf.customGrad((input, save) => {
    const centred = tf.sub(input as Tensor, mean(input as Tensor));
    const inverse = tf.rsqrt(tf.add(mean(tf.square(centred)), epsilon));
    const value: Tensor = tf.mul(centred, inverse);
    (save as tfjs.GradSaveFunc)([value, inverse]);
    return {
      value,
      gradFunc: (dy: Tensor, [normalised, scale]: Tensor[]) => {
        const along = tf.mul(normalised as Tensor, mean(tf.mul(dy, normalised as Tensor)));
        return tf.mul(tf.sub(tf.sub(dy, mean(dy)), along), scale as Tensor);
      },
    };
  });
  return op(x);
}

/** Bilinear with aligned corners as two products, so that its gradient is two products as well. */
function resizeAligned(tf: Tf, x: Tensor, height: number, width: number): Tensor {
  const [batch, channels, fromHeight, fromWidth] = x.shape as [number, number, number, number];
  if (fromHeight === height && fromWidth === width) return x;
  const across = tf.tensor2d(interpolation(fromWidth, width), [width, fromWidth]);
  const down = tf.tensor2d(interpolation(fromHeight, height), [height, fromHeight]);
  const wide = tf.reshape(tf.matMul(tf.reshape(x, [-1, fromWidth]), across, false, true), [batch * channels, fromHeight, width]);
  // Down the columns as a product from the right, so that the matrix need not be repeated for every map.
  const turned = tf.reshape(tf.transpose(wide, [0, 2, 1]), [-1, fromHeight]);
  const tall = tf.reshape(tf.matMul(turned, down, false, true), [batch * channels, width, height]);
  return tf.reshape(tf.transpose(tall, [0, 2, 1]), [batch, channels, height, width]);
}

/** Row i blends the two sources of sample i: i * (from - 1) / (to - 1). [to, from] */
function interpolation(from: number, to: number): Float32Array {
  const out = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const source = to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    const low = Math.min(Math.floor(source), from - 1);
    const high = Math.min(low + 1, from - 1);
    const share = source - low;
    out[i * from + low] = (out[i * from + low] as number) + 1 - share;
    out[i * from + high] = (out[i * from + high] as number) + share;
  }
  return out;
}

/** TensorFlow convolves channels last on CPUs. */
function conv2d(tf: Tf, x: Tensor, weight: Tensor, bias: Tensor | undefined, options: Conv2dOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1 } = options;
  const last = tf.transpose(x, [0, 2, 3, 1]) as tfjs.Tensor4D;
  const padded = tf.pad4d(last, [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ]);
  const kernel = tf.transpose(weight, [2, 3, 1, 0]) as tfjs.Tensor4D;
  const out = tf.conv2d(padded, kernel, stride, 'valid', 'NHWC', dilation);
  return tf.transpose(bias ? tf.add(out, bias) : out, [0, 3, 1, 2]);
}

/** Below everything a feature can be, and finite on every backend. */
const LOWEST = -3e38;

function maxPool(tf: Tf, x: Tensor, { size, stride, padding = 0, ceilMode = false }: MaxPoolOptions): Tensor {
  const last = tf.transpose(x, [0, 2, 3, 1]) as tfjs.Tensor4D;
  /** What ceilMode's last window sticks out by. */
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
