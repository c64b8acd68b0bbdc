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
    const size = tf.add(rowSums(tf, p), rowSums(tf, g));
    return { p, overlap: rowSums(tf, tf.mul(p, g)), size };
  };
  const { overlap, size } = parts(logits, truth);
  // softplus(x) - x g = max(x, 0) - x g + log(1 + exp(-|x|))
  const bce = tf.reshape(tf.div(rowSums(tf, tf.sub(tf.softplus(logits), tf.mul(logits, truth))), pixels), [rows]);
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
        const diceSlope = tf.mul(tf.mul(at.p, tf.sub(1, at.p)), tf.sub(shared, tf.div(tf.mul(g, 2), denominator)));
        const slope = tf.add(tf.div(tf.sub(at.p, g), pixels), diceSlope);
        return tf.mul(slope, tf.div(dy, rows));
      },
    };
  });
  return { total: op(logits), bce, dice };
}

/**
 * Sums in two steps: a backend that adds up one number after the other in single precision is off by some 1e-4 over the pixels of 512 x 512.
 * x [R, N] -> [R, 1]
 */
function rowSums(tf: Tf, x: Tensor): Tensor {
  const [rows, pixels] = x.shape as [number, number];
  let part = Math.max(1, Math.floor(Math.sqrt(pixels)));
  while (pixels % part !== 0) part--;
  return tf.sum(tf.sum(tf.reshape(x, [rows, pixels / part, part]), 2), 1, true);
}
