/**
 * Gradients of the coarse mask's loss by the weights that draw it, written out in products and sums: whatever runs a network can learn so.
 * Forward it goes as in feature-augmentation.ts and coarse-mask.ts, cell by cell; nothing is dropped.
 */
import type { PromptEncoderConfig } from './config.ts';
import type { Ops, Weights } from './ops.ts';

/** Weights that draw the coarse mask. */
export const COARSE_WEIGHTS = ['reduce.weight', 'fuse.weight', 'coarse.weight', 'coarse.bias'] as const;
export type CoarseWeight = (typeof COARSE_WEIGHTS)[number];

/** Cells of B reference-target pairs with mid-level features of C numbers: R marked ones of references, N of targets. */
export interface CoarseExamples<T> {
  /** [R, C] */
  reference: T;
  /** Share of each of them in a pair's prototype. [B, R] */
  pool: T;
  /** [N, C] */
  target: T;
  /** 1 in the column of the cell's pair, else 0. [N, B] */
  pair: T;
  /** Pseudo mask. [N, 1] */
  pseudo: T;
  /** Weight of -log p of the cell in the loss: more than 0 where it shows some of the object. [N, 1] */
  on: T;
  /** Weight of -log(1 - p). [N, 1] */
  off: T;
}

/** Loss: the sum over cells of -(on log p + off log(1 - p)), p = sigmoid(logit). -> gradients by weight, each in its shape */
export function coarseGradients<T>(
  ops: Ops<T>,
  weights: Weights<T>,
  { dim, midChannels, maskGain }: PromptEncoderConfig,
  { reference, pool, target, pair, pseudo, on, off }: CoarseExamples<T>,
): Record<CoarseWeight, T> {
  const reduce = ops.reshape(weights.get('reduce.weight', [dim, midChannels, 1, 1]), [dim, midChannels]);
  const fuse = ops.reshape(weights.get('fuse.weight', [dim, 2 * dim + 1, 1, 1]), [dim, 2 * dim + 1]);
  const coarse = ops.reshape(weights.get('coarse.weight', [1, dim, 1, 1]), [1, dim]);
  const byFeatures = ops.slice(fuse, 1, 0, dim);
  const byPrototype = ops.slice(fuse, 1, dim, 2 * dim);
  const byMask = ops.slice(fuse, 1, 2 * dim, 2 * dim + 1);
  const one = ops.constant([1], [1]);
  const times = (a: T, b: T): T => ops.matMul(a, b, { transposeB: true });
  const flipped = (x: T): T => ops.transpose(x, [1, 0]);
  /** 1 where ReLU let something through. */
  const open = (x: T): T => ops.clip(ops.mul(x, ops.constant([STEEP], [1])), 0, 1);

  const seen = ops.relu(times(reference, reduce)); // [R, c]
  const prototype = ops.matMul(pool, seen); // [B, c]
  const reduced = ops.relu(times(target, reduce)); // [N, c]
  const gained = ops.mul(pseudo, ops.constant([maskGain], [1])); // [N, 1]
  const ofPair = ops.matMul(pair, times(prototype, byPrototype)); // [N, c]
  const enhanced = ops.relu(ops.add(ops.add(times(reduced, byFeatures), ofPair), times(gained, byMask))); // [N, c]
  const logits = ops.add(times(enhanced, coarse), weights.get('coarse.bias', [1])); // [N, 1]

  const p = ops.div(one, ops.add(one, ops.exp(ops.sub(ops.constant([0], [1]), logits)))); // [N, 1]
  const slope = ops.sub(ops.mul(off, p), ops.mul(on, ops.sub(one, p))); // dL/dlogit [N, 1]
  const byEnhanced = ops.mul(ops.matMul(slope, coarse), open(enhanced)); // [N, c]
  const perPair = ops.matMul(flipped(pair), byEnhanced); // [B, c]
  const byReduced = ops.mul(ops.matMul(byEnhanced, byFeatures), open(reduced)); // [N, c]
  const bySeen = ops.mul(ops.matMul(flipped(pool), ops.matMul(perPair, byPrototype)), open(seen)); // [R, c]
  const turned = flipped(byEnhanced); // [c, N]
  const parts = [ops.matMul(turned, reduced), ops.matMul(flipped(perPair), prototype), ops.matMul(turned, gained)];
  return {
    'reduce.weight': ops.reshape(ops.add(ops.matMul(flipped(byReduced), target), ops.matMul(flipped(bySeen), reference)), [
      ...[dim, midChannels, 1, 1],
    ]),
    'fuse.weight': ops.reshape(ops.concat(parts, 1), [dim, 2 * dim + 1, 1, 1]),
    'coarse.weight': ops.reshape(ops.matMul(flipped(slope), enhanced), [1, dim, 1, 1]),
    'coarse.bias': ops.reshape(ops.reduceSum(slope, [0]), [1]),
  };
}

/** Turns what is above 0 into 1 once it is clipped. */
const STEEP = 1e20;
