/** Sums over cells that a ridge regression needs: those of several images add up, and one image can be left out without counting again. */
import type { Steps } from '../../mask/cooperative.ts';
import type { CellRows } from './cell-rows.ts';

/** Sums of one side, object or rest, each cell by its weight. */
export interface SideMoments {
  /** Sum of the weights. */
  total: number;
  /** Sum of the rows. [width] */
  sum: Float64Array;
  /** Sum of the rows' outer products, row by row from the diagonal on. [width * (width + 1) / 2] */
  products: Float64Array;
}

export interface Moments {
  width: number;
  object: SideMoments;
  rest: SideMoments;
}

/** shares: of each row's cell that is object, 0..1; its remainder counts for the rest. Pauses after each row. */
export function* momentsOf({ data, width, cells }: Pick<CellRows, 'data' | 'width' | 'cells'>, shares: ArrayLike<number>): Steps<Moments> {
  const side = (): SideMoments => ({
    total: 0,
    sum: new Float64Array(width),
    products: new Float64Array((width * (width + 1)) / 2),
  });
  const moments: Moments = { width, object: side(), rest: side() };
  for (let row = 0; row < cells.length; row++) {
    const share = shares[row] as number;
    const values = data.subarray(row * width, (row + 1) * width);
    if (share > 0) add(moments.object, values, share);
    if (share < 1) add(moments.rest, values, 1 - share);
    yield;
  }
  return moments;
}

function add(side: SideMoments, values: Float32Array, weight: number): void {
  side.total += weight;
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    const value = weight * (values[i] as number);
    side.sum[i] = (side.sum[i] as number) + value;
    for (let j = i; j < values.length; j++, at++) side.products[at] = (side.products[at] as number) + value * (values[j] as number);
  }
}
