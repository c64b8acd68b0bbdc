/** Changes of the weights that draw the coarse mask, as few numbers: the products of thin matrices. */
import type { FloatTensor } from '../../../checkpoint/read-tensors.ts';
import { ProsamError } from '../../../common/errors.ts';
import { lowRank, product } from '../../../common/low-rank.ts';
import { seededRandom } from '../../../common/random.ts';
import { COARSE_WEIGHTS, type CoarseWeight } from '../../../networks/coarse-gradients.ts';

/** Weights that draw the coarse mask. */
export type CoarseTensors = ReadonlyMap<CoarseWeight, FloatTensor>;

/** Directions that are kept of each matrix: 4, 8 and all of them drew equally well. */
const RANK = 8;
/** Digits that are kept of a number. */
const DIGITS = 4;

/** Numbers of each weight in turn: both thin matrices, or all of it where those were more. */
export function changeOf(before: CoarseTensors, after: CoarseTensors): number[] {
  return COARSE_WEIGHTS.flatMap((name) => {
    const { data, shape } = before.get(name) as FloatTensor;
    const now = (after.get(name) as FloatTensor).data;
    const change = data.map((value, i) => (now[i] as number) - value);
    const { rows, columns, isThin } = sizeOf(shape);
    if (!isThin) return rounded(change);
    const { left, right } = lowRank(change, rows, columns, RANK, seededRandom(1));
    return [...rounded(left), ...rounded(right)];
  });
}

/** Weights with the change made. @throws OPTION_INVALID for another number of numbers */
export function changed(before: CoarseTensors, change: readonly number[]): Map<CoarseWeight, FloatTensor> {
  const wanted = COARSE_WEIGHTS.reduce((sum, name) => sum + sizeOf((before.get(name) as FloatTensor).shape).numbers, 0);
  if (change.length !== wanted)
    throw new ProsamError('OPTION_INVALID', `learned: expected a change of ${wanted} numbers, got ${change.length}. Fit again.`);
  let at = 0;
  const next = (count: number): Float32Array => Float32Array.from(change.slice(at, (at += count)));
  const found = new Map<CoarseWeight, FloatTensor>();
  for (const name of COARSE_WEIGHTS) {
    const { data, shape } = before.get(name) as FloatTensor;
    const { rows, columns, isThin } = sizeOf(shape);
    const made = isThin ? product({ left: next(rows * RANK), right: next(RANK * columns) }, rows, columns) : next(data.length);
    found.set(name, { data: data.map((value, i) => value + (made[i] as number)), shape });
  }
  return found;
}

function sizeOf(shape: readonly number[]): { rows: number; columns: number; isThin: boolean; numbers: number } {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const rows = shape[0] as number;
  const columns = size / rows;
  const thin = RANK * (rows + columns);
  return { rows, columns, isThin: thin < size, numbers: Math.min(thin, size) };
}

function rounded(values: Float32Array): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(DIGITS)));
}
