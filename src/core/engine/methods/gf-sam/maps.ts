/**
 * Prior of GF-SAM (Zhang et al., 2024): how close every cell of the target is to the object of the references and to what lies beside it.
 *
 * n cells of a reference, N of the target, C channels.
 */
import type { UnitCells } from './unit-cells.ts';

/** Term in the denominators of the cosine, and of a mean for each of its cells. */
const EPSILON = 1e-7;
const RANGE_EPSILON = 1e-6;

/** One number for each of the target's cells. [N] */
export interface PriorMaps {
  /** Mean cosine to the object. */
  mean: Float64Array;
  /** Largest cosine to a cell of the object, at least 0 where there is a cell beside it. */
  top: Float64Array;
  /** Mean cosine to what is not the object. */
  rest: Float64Array;
}

/**
 * Weighted mean over the pool's cells of <s, t> / (|s| |t| + 1e-7). One pass over each side, as the epsilon is taken to first order.
 * weights: 0..1 for each cell of the pool. -> [N], -1..1
 */
export function meanCosine(target: UnitCells, pool: UnitCells, weights: ArrayLike<number>): Float64Array {
  let total = EPSILON * pool.count;
  for (let i = 0; i < pool.count; i++) total += weights[i] as number;
  const sums = new Float64Array(target.count);
  const corrections = new Float64Array(target.count);
  for (let c = 0; c < target.channels; c++) {
    let direction = 0;
    let shortened = 0;
    for (let i = 0; i < pool.count; i++) {
      const weight = weights[i] as number;
      if (weight === 0) continue;
      const value = weight * (pool.data[c * pool.count + i] as number);
      direction += value;
      shortened += value / (pool.lengths[i] as number);
    }
    for (let t = 0; t < target.count; t++) {
      const value = target.data[c * target.count + t] as number;
      sums[t] = (sums[t] as number) + value * direction;
      corrections[t] = (corrections[t] as number) + value * shortened;
    }
  }
  for (let t = 0; t < target.count; t++)
    sums[t] = ((sums[t] as number) - (EPSILON * (corrections[t] as number)) / (target.lengths[t] as number)) / total;
  return sums;
}

/** Mean of maps, place by place. */
export function averaged(maps: readonly Float64Array[]): Float64Array {
  const [first] = maps as [Float64Array];
  return first.map((_, i) => maps.reduce((sum, map) => sum + (map[i] as number), 0) / maps.length);
}

/** Product of mean and largest cosine, scaled to 0..1, and 0 where the cell is closer to the rest. -> [N], 0..1 */
export function pointMap({ mean, top, rest }: PriorMaps): Float64Array {
  const cross = scaledToOne(mean.map((value, i) => value * (top[i] as number)));
  const beside = scaledToOne(rest);
  return cross.map((value, i) => ((beside[i] as number) > value ? 0 : value));
}

/** Middle of the range of the mean cosine: the weight that the rest has against the object. */
export function middleOf(mean: Float64Array): number {
  const { low, high } = rangeOf(mean);
  return (high + low) / 2;
}

function scaledToOne(values: Float64Array): Float64Array {
  const { low, high } = rangeOf(values);
  return values.map((value) => (value - low) / (high - low + RANGE_EPSILON));
}

function rangeOf(values: Float64Array): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}
