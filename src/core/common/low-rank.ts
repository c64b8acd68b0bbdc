/** A matrix as the product of two thin ones: what few directions say of it (randomized range finder, Halko et al., 2011, algorithm 4.4). */
import { normal, type Random } from './random.ts';

export interface LowRank {
  /** Orthonormal columns. [rows, rank] */
  left: Float32Array;
  /** [rank, columns] */
  right: Float32Array;
}

/** Passes over the matrix that sharpen the directions. */
const PASSES = 2;

/** matrix: [rows, columns], row by row; rank: at most the smaller of both */
export function lowRank(matrix: Float32Array, rows: number, columns: number, rank: number, random: Random): LowRank {
  let right = Float32Array.from({ length: rank * columns }, () => normal(random));
  let left = new Float32Array(0);
  for (let pass = 0; pass <= PASSES; pass++) {
    left = new Float32Array(rows * rank);
    for (let i = 0; i < rows; i++)
      for (let r = 0; r < rank; r++) left[i * rank + r] = dot(matrix, i * columns, right, r * columns, columns);
    orthonormalize(left, rows, rank);
    right = new Float32Array(rank * columns);
    for (let i = 0; i < rows; i++)
      for (let r = 0; r < rank; r++) {
        const weight = left[i * rank + r] as number;
        for (let j = 0; j < columns; j++)
          right[r * columns + j] = (right[r * columns + j] as number) + weight * (matrix[i * columns + j] as number);
      }
  }
  return { left, right };
}

/** [rows, columns] */
export function product({ left, right }: LowRank, rows: number, columns: number): Float32Array {
  const rank = left.length / rows;
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let r = 0; r < rank; r++) {
      const weight = left[i * rank + r] as number;
      for (let j = 0; j < columns; j++)
        out[i * columns + j] = (out[i * columns + j] as number) + weight * (right[r * columns + j] as number);
    }
  return out;
}

function dot(a: Float32Array, from: number, b: Float32Array, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[from + i] as number) * (b[at + i] as number);
  return sum;
}

/** Gram-Schmidt, twice, in place; a column without a direction of its own becomes 0. columns: [rows, count] */
function orthonormalize(columns: Float32Array, rows: number, count: number): void {
  const along = (one: number, other: number): number => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += (columns[i * count + one] as number) * (columns[i * count + other] as number);
    return sum;
  };
  for (let c = 0; c < count; c++) {
    const length = Math.sqrt(along(c, c));
    for (let again = 0; again < 2; again++)
      for (let before = 0; before < c; before++) {
        const share = along(c, before);
        for (let i = 0; i < rows; i++)
          columns[i * count + c] = (columns[i * count + c] as number) - share * (columns[i * count + before] as number);
      }
    const left = Math.sqrt(along(c, c));
    const scale = left > 1e-6 * length ? 1 / left : 0;
    for (let i = 0; i < rows; i++) columns[i * count + c] = scale * (columns[i * count + c] as number);
  }
}
