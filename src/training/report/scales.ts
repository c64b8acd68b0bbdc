/** Scales that hold whatever data comes, even none or a single value. */
import { scaleLinear, scaleLog } from 'd3-scale';
import type { Scale } from './svg.ts';

/** Nearer to zero than this, numbers lose their digits. */
export const SMALLEST = 1e-300;

/** Smallest and largest of the finite values; undefined without any. */
export function extent(values: Iterable<number>): [number, number] | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : undefined;
}

/** From data to pixels. nice: widen the ends to round numbers. */
export function linearScale(range: [number, number], data: [number, number] | undefined, nice = true): Scale {
  const [low, high] = data ?? [0, 1];
  const largest = Math.max(Math.abs(low), Math.abs(high));
  // Values that differ by rounding alone would leave no room for ticks between them.
  const close = high - low <= 1e-9 * largest || largest < SMALLEST;
  const room = !close ? 0 : Number.isInteger(low) || largest < SMALLEST ? Math.max(1, 1e-3 * largest) : largest / 20;
  const scale = scaleLinear([low - room, high + room], range);
  return nice ? scale.nice(6) : scale;
}

/** The same for values above `SMALLEST`, by their logarithm. */
export function logScale(range: [number, number], data: [number, number] | undefined): Scale {
  const [low, high] = data ?? [1, 10];
  const wide = high / low >= 10;
  // Less than a power of ten would leave the axis with one number or none.
  return wide ? scaleLog([low, high], range).nice() : scaleLog([low / 2, high * 2], range);
}
