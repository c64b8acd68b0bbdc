/** One vector for an annotated object: the average of its cells' features. */
import type { PreparedReference } from './references.ts';

/** Mean of the mid-level features over the marked cells, scaled to length 1. [C] */
export function maskedAverage({ features, cells }: Pick<PreparedReference, 'features' | 'cells'>): Float32Array {
  const { data, shape } = features.mid;
  const channels = shape[1] as number;
  const sum = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    let total = 0;
    for (let i = 0; i < cells.length; i++) if (cells[i] !== 0) total += data[c * cells.length + i] as number;
    sum[c] = total;
  }
  const length = Math.hypot(...sum);
  return length === 0 ? sum : sum.map((value) => value / length);
}
