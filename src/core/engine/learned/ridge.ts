/** Ridge regression of "object" (1) against "rest" (-1), both sides of equal weight, from sums over cells. */
import type { Steps } from '../../mask/cooperative.ts';
import type { Moments, SideMoments } from './moments.ts';

/** Penalty on the weights' squares; the last weight, which is the constant, has none. Of 0.001, 0.003 and 0.01 the best mean. */
const PENALTY = 3e-3;
/** On the constant, so that it can always be solved. */
const MIN_PENALTY = 1e-9;

/**
 * moments: of one image or more, with object and rest among them. -> weights [width], of which the last is the constant; undefined where
 * one side is missing
 */
export function* ridgeWeights(moments: readonly Moments[], penalty = PENALTY): Steps<Float64Array | undefined> {
  const [first] = moments;
  const total = (side: 'object' | 'rest'): number => moments.reduce((sum, each) => sum + each[side].total, 0);
  const [object, rest] = [total('object'), total('rest')];
  if (first === undefined || object === 0 || rest === 0) return undefined;
  const { width } = first;
  const matrix = new Float64Array(first.object.products.length);
  const right = new Float64Array(width);
  const include = ({ sum, products }: SideMoments, weight: number, sign: 1 | -1): void => {
    for (let i = 0; i < matrix.length; i++) matrix[i] = (matrix[i] as number) + weight * (products[i] as number);
    for (let i = 0; i < width; i++) right[i] = (right[i] as number) + sign * weight * (sum[i] as number);
  };
  for (const each of moments) {
    include(each.object, 0.5 / object, 1);
    yield;
    include(each.rest, 0.5 / rest, -1);
    yield;
  }
  for (let i = 0, at = 0; i < width; at += width - i, i++) matrix[at] = (matrix[at] as number) + (i === width - 1 ? MIN_PENALTY : penalty);
  return yield* solved(matrix, right);
}

/**
 * Solution x of A x = b by Cholesky's decomposition. matrix: A, symmetric and positive definite, row by row from the diagonal on; it is
 * overwritten. Pauses after each row.
 */
export function* solved(matrix: Float64Array, right: Float64Array): Steps<Float64Array> {
  const width = right.length;
  /** Place of A[i][0], were it there: A[i][j] stands at start + j. */
  const start = (i: number): number => i * width - (i * (i + 1)) / 2;
  for (let k = 0; k < width; k++) {
    const row = start(k);
    const root = Math.sqrt(matrix[row + k] as number);
    for (let j = k; j < width; j++) matrix[row + j] = (matrix[row + j] as number) / root;
    for (let i = k + 1; i < width; i++) {
      const factor = matrix[row + i] as number;
      if (factor === 0) continue;
      const below = start(i);
      for (let j = i; j < width; j++) matrix[below + j] = (matrix[below + j] as number) - factor * (matrix[row + j] as number);
    }
    yield;
  }
  const x = Float64Array.from(right);
  for (let i = 0; i < width; i++) {
    const row = start(i);
    x[i] = (x[i] as number) / (matrix[row + i] as number);
    for (let j = i + 1; j < width; j++) x[j] = (x[j] as number) - (matrix[row + j] as number) * (x[i] as number);
  }
  for (let i = width - 1; i >= 0; i--) {
    const row = start(i);
    let sum = x[i] as number;
    for (let j = i + 1; j < width; j++) sum -= (matrix[row + j] as number) * (x[j] as number);
    x[i] = sum / (matrix[row + i] as number);
  }
  return x;
}
