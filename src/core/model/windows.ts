/** Square windows over a grid of cells, which attention stays inside of. */
import type { Ops } from './ops.ts';

/** [B, g, g, C] -> [B * n * n, w * w, C], zero cells at the bottom and right. */
export function partition<T>(ops: Ops<T>, x: T, window: number): T {
  const [batch, grid, , channels] = ops.shapeOf(x) as [number, number, number, number];
  const n = Math.ceil(grid / window);
  const missing = n * window - grid;
  const padded = missing > 0 ? ops.padEnd(ops.padEnd(x, 1, missing), 2, missing) : x;
  const split = ops.reshape(padded, [batch, n, window, n, window, channels]);
  return ops.reshape(ops.transpose(split, [0, 1, 3, 2, 4, 5]), [batch * n * n, window * window, channels]);
}

/** The inverse of partition; padded cells are cut off. */
export function unpartition<T>(ops: Ops<T>, windows: T, window: number, grid: number, batch: number): T {
  const channels = ops.shapeOf(windows)[2] as number;
  const n = Math.ceil(grid / window);
  const split = ops.reshape(windows, [batch, n, n, window, window, channels]);
  const whole = ops.reshape(ops.transpose(split, [0, 1, 3, 2, 4, 5]), [batch, n * window, n * window, channels]);
  return n * window === grid ? whole : ops.slice(ops.slice(whole, 1, 0, grid), 2, 0, grid);
}
