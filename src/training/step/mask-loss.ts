/** Loss of one mask: binary cross-entropy from logits plus Dice, weighted 1 : 1 (paper, equation 4). */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../tfjs/tfjs-ops.ts';

type Tensor = tfjs.Tensor;

export interface MaskLoss {
  /** Mean over rows of BCE + Dice; the only differentiable part. [] */
  total: Tensor;
  /** Mean over the pixels of each row. [R] */
  bce: Tensor;
  /** 1 - (2 sum(p g) + 1) / (sum(p) + sum(g) + 1), p = sigmoid(logit). [R] */
  dice: Tensor;
}

/**
 * logits [R, N] (one row per decoded mask), truth [R, N] or [1, N] of 0 and 1. With all K samples of all B images as rows
 * the total is the mean over images and samples.
 *
 * Its gradient is written out: d BCE / dx = (p - g) / N and d Dice / dx = p (1 - p) ((2 I + 1) / (S + 1)^2 - 2 g / (S + 1))
 * with I = sum(p g) and S = sum(p) + sum(g); a tenth of the passes over the pixels that taping every step takes.
 */
export function maskLoss(tf: Tf, logits: Tensor, truth: Tensor): MaskLoss {
  const [rows, pixels] = logits.shape as [number, number];
  const parts = (x: Tensor, g: Tensor): { p: Tensor; overlap: Tensor; size: Tensor } => {
    const p = tf.sigmoid(x);
    const size = tf.add(sumOfPixels(tf, p), sumOfPixels(tf, g));
    return { p, overlap: sumOfPixels(tf, tf.mul(p, g)), size };
  };
  const { overlap, size } = parts(logits, truth);
  // softplus(x) - x g = max(x, 0) - x g + log(1 + exp(-|x|))
  const bce = tf.reshape(tf.div(sumOfPixels(tf, tf.sub(tf.softplus(logits), tf.mul(logits, truth))), pixels), [rows]);
  const dice = tf.reshape(tf.sub(1, tf.div(tf.add(tf.mul(overlap, 2), 1), tf.add(size, 1))), [rows]);

  const op = tf.customGrad((input, save) => {
    // The truth may be a passing tensor, too, that would be gone by the time the gradient is asked for.
    (save as tfjs.GradSaveFunc)([input as Tensor, truth]);
    return {
      value: tf.mean(tf.add(bce, dice)),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, g] = saved as [Tensor, Tensor];
        const at = parts(x, g);
        const denominator = tf.add(at.size, 1);
        const shared = tf.div(tf.add(tf.mul(at.overlap, 2), 1), tf.square(denominator));
        const diceGradient = tf.mul(tf.mul(at.p, tf.sub(1, at.p)), tf.sub(shared, tf.div(tf.mul(g, 2), denominator)));
        const gradient = tf.add(tf.div(tf.sub(at.p, g), pixels), diceGradient);
        return tf.mul(gradient, tf.div(dy, rows));
      },
    };
  });
  return { total: op(logits), bce, dice };
}

/**
 * Sums of rows in two steps, over stretches of about sqrt(N) values and then over those: n float32 values added one after another, as the
 * WebAssembly engine does, are off by up to n roundings (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2), these by
 * about 2 sqrt(n). x [R, N] -> [R, 1]
 */
function sumOfPixels(tf: Tf, x: Tensor): Tensor {
  const [rows, pixels] = x.shape as [number, number];
  let stretches = Math.floor(Math.sqrt(pixels));
  while (pixels % stretches !== 0) stretches--;
  return tf.sum(tf.sum(tf.reshape(x, [rows, stretches, pixels / stretches]), 2), 1, true);
}
