/** Functions whose gradients are written out, because the library's own are missing, wrong for broadcasting, or slow. */
import type * as tfjs from '@tensorflow/tfjs-core';

export type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;

/**
 * A function with its own gradients, one for each input. Unlike `tf.customGrad` it computes only those that are asked for, and
 * frees what they took.
 */
function differentiable(
  tf: Tf,
  inputs: readonly Tensor[],
  value: (save: tfjs.GradSaveFunc) => Tensor,
  gradients: (dy: Tensor, saved: Tensor[]) => readonly (() => Tensor)[],
): Tensor {
  // The library's own functions go through this method; it is not declared as public.
  const engine = tf.engine() as unknown as TapeEngine;
  return engine.runKernelFunc({
    forwardFunc: (_, save) => value(save),
    backwardsFunc: (dy, saved) => byIndex(gradients(dy, saved)),
    inputs: byIndex(inputs),
  });
}

interface TapeEngine {
  runKernelFunc(parts: {
    forwardFunc: (backend: unknown, save: tfjs.GradSaveFunc) => Tensor;
    backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>;
    inputs: Record<string, Tensor>;
  }): Tensor;
}

function byIndex<V>(values: readonly V[]): Record<string, V> {
  return Object.fromEntries(values.map((value, i) => [String(i), value]));
}

/** Backends multiply with broadcast batches; the library's gradient does not know of it. */
export function broadcastMatMul(tf: Tf, a: Tensor, b: Tensor, transposeB: boolean): Tensor {
  const same = a.rank === b.rank && a.shape.slice(0, -2).every((dim, i) => dim === b.shape[i]);
  if (same) return tf.matMul(a, b, false, transposeB);
  return differentiable(
    tf,
    [a, b],
    (save) => {
      save([a, b]);
      return tf.matMul(a, b, false, transposeB);
    },
    (dy, [x, y]) => [
      () => sumTo(tf, tf.matMul(dy, y as Tensor, false, !transposeB), a.shape),
      () => sumTo(tf, transposeB ? tf.matMul(dy, x as Tensor, true, false) : tf.matMul(x as Tensor, dy, true, false), b.shape),
    ],
  );
}

/** x [..., in] x weight [out, in] -> [..., out], whatever the rank of x; no gradient along the weight. */
export function frozenProduct(tf: Tf, x: Tensor, weight: Tensor): Tensor {
  const value = (): Tensor => tf.matMul(x, weight, false, true);
  return differentiable(tf, [x], value, (dy) => [() => tf.matMul(dy, weight)]);
}

/**
 * Depthwise convolution with stride 1 and no padding; no slope along the kernel. The one along x is the same convolution with the kernel
 * turned round, which every backend has. x [B, h, w, C], kernel [kh, kw, C, 1]
 */
export function depthwiseProduct(tf: Tf, x: tfjs.Tensor4D, kernel: tfjs.Tensor4D): tfjs.Tensor4D {
  const [height, width] = kernel.shape;
  return differentiable(
    tf,
    [x],
    (save) => {
      save([kernel]);
      return tf.depthwiseConv2d(x, kernel, 1, 'valid');
    },
    (dy, [saved]) => [
      () => {
        const around = (size: number): [number, number] => [size - 1, size - 1];
        const padded = tf.pad4d(dy as tfjs.Tensor4D, [[0, 0], around(height), around(width), [0, 0]]);
        return tf.depthwiseConv2d(padded, tf.reverse(saved as tfjs.Tensor4D, [0, 1]), 1, 'valid');
      },
    ],
  ) as tfjs.Tensor4D;
}

/** softmax(q k^T / sqrt(d)) v. q [B, Tq, c], k and v [B or 1, Tk, c] -> [B, Tq, c] */
export function attention(tf: Tf, q: Tensor, k: Tensor, v: Tensor, heads: number): Tensor {
  const depth = (q.shape[2] as number) / heads;
  const scale = 1 / Math.sqrt(depth);
  const split = (x: Tensor): Tensor => tf.transpose(tf.reshape(x, [x.shape[0], x.shape[1] as number, heads, depth]), [0, 2, 1, 3]);
  const merge = (x: Tensor): Tensor => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [x.shape[0], x.shape[2] as number, heads * depth]);
  return differentiable(
    tf,
    [q, k, v],
    (save) => {
      const [queries, keys, values] = [tf.mul(split(q), scale), split(k), split(v)];
      const shares = tf.softmax(tf.matMul(queries, keys, false, true));
      const out = tf.matMul(shares, values);
      save([queries, keys, values, shares, out]);
      return merge(out);
    },
    (dy, saved) => {
      const [queries, keys, values, shares, out] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const along = split(dy);
      const gradient = tf.tidy(() => {
        const level = tf.sum(tf.mul(along, out), -1, true);
        return tf.mul(tf.sub(tf.matMul(along, values, false, true), level), shares);
      });
      return [
        () => sumTo(tf, tf.mul(merge(tf.matMul(gradient, keys)), scale), q.shape),
        () => sumTo(tf, merge(tf.matMul(gradient, queries, true)), k.shape),
        () => sumTo(tf, merge(tf.matMul(shares, along, true)), v.shape),
      ];
    },
  );
}

/** The gradient of broadcasting: sums over what was stretched. */
function sumTo(tf: Tf, x: Tensor, shape: readonly number[]): Tensor {
  const from = [...new Array<number>(x.rank - shape.length).fill(1), ...shape];
  const axes = x.shape.flatMap((dim, i) => (dim !== from[i] ? [i] : []));
  return tf.reshape(axes.length === 0 ? x : tf.sum(x, axes, true), [...shape]);
}

/** x stretched to `shape` along its axes of length 1. The library's own gradient adds slice after slice; one sum does. */
export function repeat(tf: Tf, x: Tensor, shape: readonly number[]): Tensor {
  const from = [...new Array<number>(shape.length - x.rank).fill(1), ...x.shape];
  const axes = shape.flatMap((dim, i) => (dim !== from[i] ? [i] : []));
  const shaped = tf.reshape(x, from);
  if (axes.length === 0) return shaped;
  const times = shape.map((dim, i) => dim / (from[i] as number));
  return differentiable(
    tf,
    [shaped],
    () => tf.tile(shaped, times),
    (dy) => [() => tf.sum(dy, axes, true)],
  );
}

/** x (1 + erf(x / sqrt 2)) / 2; derivative Phi(x) + x phi(x), worked out on the way forward, where Phi is at hand. */
export function gelu(tf: Tf, x: Tensor): Tensor {
  return differentiable(
    tf,
    [x],
    (save) => {
      const phi = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
      const density = tf.exp(tf.sub(tf.mul(tf.square(x), -0.5), Math.log(2 * Math.PI) / 2));
      save([tf.add(phi, tf.mul(x, density))]);
      return tf.mul(x, phi);
    },
    (dy, [gradient]) => [() => tf.mul(dy, gradient as Tensor)],
  );
}

/** (x - mean) / sqrt(variance + epsilon) over the last axis, with its gradient in closed form. */
export function normalise(tf: Tf, x: Tensor, epsilon: number): Tensor {
  const mean = (v: Tensor): Tensor => tf.mean(v, -1, true);
  return differentiable(
    tf,
    [x],
    (save) => {
      const centred = tf.sub(x, mean(x));
      const inverse = tf.rsqrt(tf.add(mean(tf.square(centred)), epsilon));
      const value = tf.mul(centred, inverse);
      save([value, inverse]);
      return value;
    },
    (dy, [normalised, scale]) => [
      () => {
        const along = tf.mul(normalised as Tensor, mean(tf.mul(dy, normalised as Tensor)));
        return tf.mul(tf.sub(tf.sub(dy, mean(dy)), along), scale as Tensor);
      },
    ],
  );
}
