/**
 * Pseudo mask of figure 5: for every target cell the largest cosine similarity to a marked reference cell, M_t^pseudo of feature
 * augmentation (paper, section 8.1), and the core of the training-free methods.
 */
import type { Ops } from './ops.ts';

/** Added to the product of the two norms (public code). */
const COSINE_EPSILON = 1e-7;

/**
 * cells [n, C]: features of the reference cells that count; target [1, C, h, w];
 * floor [1]: 0 where any reference cell was masked out (such a cell has similarity 0), else -1. -> [1, 1, h, w]
 *
 * Only the n marked cells are multiplied. Masked-out cells add nothing but a similarity of 0, which `floor` stands for.
 */
export function pseudoMask<T>(ops: Ops<T>, cells: T, target: T, floor: T, norm: 'none' | 'minmax'): T {
  const [batch, channels, height, width] = ops.shapeOf(target) as [number, number, number, number];
  const columns = ops.reshape(target, [channels, height * width]); // [C, hw]
  const dots = ops.matMul(cells, columns); // [n, hw]
  const cellNorms = ops.sqrt(ops.reduceSum(ops.mul(cells, cells), [1])); // [n, 1]
  const targetNorms = ops.sqrt(ops.reduceSum(ops.mul(columns, columns), [0])); // [1, hw]
  const cosine = ops.div(dots, ops.add(ops.mul(cellNorms, targetNorms), ops.constant([COSINE_EPSILON], [1]))); // [n, hw]
  const best = ops.maximum(ops.reduceMax(cosine, [0]), floor); // [1, hw]
  const scaled = norm === 'minmax' ? minMax(ops, best) : best;
  return ops.reshape(scaled, [batch, 1, height, width]);
}

/** Keeps a part of a cell that is all zeros from being divided by zero. */
const TINY = 1e-12;

/**
 * For every target cell the largest cosine to one of the cells, where the features are parts that count alike: each is scaled to length 1
 * by itself before they are put together, so that a cosine is the mean of the parts' own.
 *
 * cells [n, C]; target [1, C, h, w]; widths: channels of the parts, C together -> [1, 1, h, w], -1..1
 */
export function nearestCosine<T>(ops: Ops<T>, cells: T, target: T, widths: readonly number[]): T {
  const [, channels, height, width] = ops.shapeOf(target) as [number, number, number, number];
  const columns = ops.reshape(target, [channels, height * width]); // [C, hw]
  const starts = widths.map((_, i) => widths.slice(0, i).reduce((sum, part) => sum + part, 0));
  /** Parts of length 1 along an axis. */
  const unit = (x: T, axis: 0 | 1): T => {
    const parts = widths.map((part, i) => {
      const [from, to] = [starts[i] as number, (starts[i] as number) + part];
      const values = widths.length === 1 ? x : ops.slice(x, axis, from, to);
      const squares = ops.add(ops.reduceSum(ops.mul(values, values), [axis]), ops.constant([TINY], [1]));
      return ops.div(values, ops.sqrt(squares));
    });
    return parts.length === 1 ? (parts[0] as T) : ops.concat(parts, axis);
  };
  const cosine = ops.matMul(unit(cells, 1), unit(columns, 0)); // [n, hw], the sum of the parts'
  const best = ops.mul(ops.reduceMax(cosine, [0]), ops.constant([1 / widths.length], [1]));
  return ops.reshape(best, [1, 1, height, width]);
}

/** (x - min) / (max - min + 1e-7), as PFENet scales its prior mask. */
function minMax<T>(ops: Ops<T>, x: T): T {
  const lowest = ops.reduceMin(x, [1]);
  const span = ops.sub(ops.reduceMax(x, [1]), lowest);
  return ops.div(ops.sub(x, lowest), ops.add(span, ops.constant([COSINE_EPSILON], [1])));
}
