/** Square windows over a grid of cells, which attention stays inside of. */
import type { Ops } from './ops.ts';

/** [B, h, g, C] -> [B * n * m, w * w, C], zero cells at the bottom and right. */
export function partition<T>(ops: Ops<T>, x: T, window: number): T {
  const [batch, height, width, channels] = ops.shapeOf(x) as [number, number, number, number];
  const [down, across] = [Math.ceil(height / window), Math.ceil(width / window)];
  const pad = (y: T, axis: number, missing: number): T => (missing > 0 ? ops.padEnd(y, axis, missing) : y);
  const padded = pad(pad(x, 1, down * window - height), 2, across * window - width);
  const split = ops.reshape(padded, [batch, down, window, across, window, channels]);
  return ops.reshape(ops.transpose(split, [0, 1, 3, 2, 4, 5]), [batch * down * across, window * window, channels]);
}

/** The inverse of partition for a map of [B, h, g, any]; padded cells are cut off. */
export function unpartition<T>(ops: Ops<T>, windows: T, window: number, [batch, height, width]: readonly number[]): T {
  const channels = ops.shapeOf(windows)[2] as number;
  const [down, across] = [Math.ceil((height as number) / window), Math.ceil((width as number) / window)];
  const split = ops.reshape(windows, [batch as number, down, across, window, window, channels]);
  const whole = ops.reshape(ops.transpose(split, [0, 1, 3, 2, 4, 5]), [batch as number, down * window, across * window, channels]);
  const cut = (y: T, axis: number, side: number): T => (ops.shapeOf(y)[axis] === side ? y : ops.slice(y, axis, 0, side));
  return cut(cut(whole, 1, height as number), 2, width as number);
}
