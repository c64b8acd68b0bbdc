/** Taps of antialiased bilinear resizing along one axis: a triangle filter, widened when shrinking, as Pillow and PyTorch have it. */

export interface Taps {
  /** First source index of each output sample. */
  first: Int32Array;
  /** Number of source samples of each output sample. */
  count: Int32Array;
  /** Shares of the source samples, `width` of them per output sample; they add up to 1. */
  shares: Float64Array;
  width: number;
}

/** from, to: samples before and after. Half-pixel centres; what would lie outside has no share. */
export function triangleTaps(from: number, to: number): Taps {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const support = filterScale; // the triangle reaches one (scaled) sample to each side
  const width = Math.ceil(support) * 2 + 1;
  const taps: Taps = { first: new Int32Array(to), count: new Int32Array(to), shares: new Float64Array(to * width), width };
  const values = new Float64Array(width);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    let total = 0;
    for (let j = first; j < end; j++) {
      const value = Math.max(0, 1 - Math.abs((j - centre + 0.5) / filterScale));
      values[j - first] = value;
      total += value;
    }
    taps.first[i] = first;
    taps.count[i] = end - first;
    for (let j = 0; j < end - first; j++) taps.shares[i * width + j] = total === 0 ? 0 : (values[j] as number) / total;
  }
  return taps;
}
