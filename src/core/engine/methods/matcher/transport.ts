/** Optimal transport between uniform weights, entropy-regularised (Cuturi, 2013). */

/** Sharpness of the plan, and rounds: the masks that are merged are those of exact transport. */
const REGULARISATION = 0.02;
const ROUNDS = 50;

/** Cost of the plan between `rows` and `columns` that weigh the same in all. cost: 0..1, row-major */
export function sinkhorn(cost: Float32Array, rows: number, columns: number): number {
  const kernel = new Float64Array(cost.length);
  for (let i = 0; i < kernel.length; i++) kernel[i] = Math.exp(-(cost[i] as number) / REGULARISATION);
  const left = new Float64Array(rows).fill(1 / rows);
  const right = new Float64Array(columns).fill(1 / columns);
  const sums = new Float64Array(columns);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0, at = i * columns; j < columns; j++, at++) sum += (kernel[at] as number) * (right[j] as number);
      left[i] = 1 / rows / sum;
    }
    sums.fill(0);
    for (let i = 0; i < rows; i++) {
      const scale = left[i] as number;
      for (let j = 0, at = i * columns; j < columns; j++, at++) sums[j] = (sums[j] as number) + (kernel[at] as number) * scale;
    }
    for (let j = 0; j < columns; j++) right[j] = 1 / columns / (sums[j] as number);
  }
  let total = 0;
  for (let i = 0; i < rows; i++)
    for (let j = 0, at = i * columns; j < columns; j++, at++)
      total += (left[i] as number) * (kernel[at] as number) * (right[j] as number) * (cost[at] as number);
  return total;
}
