/** Resizing of real-valued maps and of label maps. */

/** Real values, row-major. */
export interface FloatMap {
  data: Float32Array;
  width: number;
  height: number;
}

/** 'aligned': source = dst * (in - 1) / (out - 1), the method's own. 'half-pixel': source = (dst + 0.5) * in / out - 0.5, SAM's post-processing. */
export type PixelConvention = 'aligned' | 'half-pixel';

/** Bilinear without antialiasing. span: size of the whole stretched map, of which the upper left width x height pixels are made. */
export function resizeMap(
  map: FloatMap,
  width: number,
  height: number,
  convention: PixelConvention,
  span: { width: number; height: number } = { width, height },
): FloatMap {
  if ([width, span.width].every((size) => size === map.width) && [height, span.height].every((size) => size === map.height)) return map;
  const columns = samplePoints(map.width, span.width, width, convention);
  const rows = samplePoints(map.height, span.height, height, convention);
  const out = new Float32Array(width * height);
  // Each needed source row is stretched once; an output row blends two of them.
  const stretched = new Map<number, Float32Array>();
  const rowAt = (y: number): Float32Array => {
    const known = stretched.get(y);
    if (known) return known;
    const row = stretchRow(map, y, columns, width);
    if (stretched.size > 1) stretched.delete(stretched.keys().next().value as number);
    stretched.set(y, row);
    return row;
  };
  for (let y = 0; y < height; y++) {
    const low = rowAt(rows.low[y] as number);
    const high = rowAt(rows.high[y] as number);
    const share = rows.share[y] as number;
    const at = y * width;
    for (let x = 0; x < width; x++) {
      const value = low[x] as number;
      out[at + x] = value + share * ((high[x] as number) - value);
    }
  }
  return { data: out, width, height };
}

/** 1 where a value is above 0: the threshold of SAM's logits. A loop, as `from` with a function takes ten times as long. */
export function aboveZero(values: Float32Array): Uint8Array {
  const out = new Uint8Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = (values[i] as number) > 0 ? 1 : 0;
  return out;
}

/**
 * 1 where the resized map is above 0, without the resized map: between values that are all at most 0 nothing is computed, and most of a mask is such.
 * The same pixels as `resizeMap` gives. -> [height * width]
 */
export function resizedAboveZero(map: FloatMap, width: number, height: number, convention: PixelConvention): Uint8Array {
  const columns = samplePoints(map.width, width, width, convention);
  const rows = samplePoints(map.height, height, height, convention);
  const out = new Uint8Array(width * height);
  /** First output column of each column of the map, and the end. */
  const starts = new Int32Array(map.width + 1).fill(width);
  for (let x = width - 1; x >= 0; x--) starts[columns.low[x] as number] = x;
  for (let c = map.width - 1; c >= 0; c--) starts[c] = Math.min(starts[c] as number, starts[c + 1] as number);
  const isPositive = (y: number, c: number): boolean => {
    const at = y * map.width;
    return (map.data[at + c] as number) > 0 || (map.data[at + Math.min(c + 1, map.width - 1)] as number) > 0;
  };
  const stretched: (Float32Array | undefined)[] = [];
  /** Output columns that may be above 0 between two rows of the map: from, to, from, to, ... */
  const spansBetween = (low: number, high: number): number[] => {
    const spans: number[] = [];
    for (let c = 0; c < map.width; c++) {
      if (!isPositive(low, c) && !isPositive(high, c)) continue;
      const [from, to] = [starts[c] as number, starts[c + 1] as number];
      if (spans.at(-1) === from) spans[spans.length - 1] = to;
      else spans.push(from, to);
    }
    return spans;
  };
  let between = { low: -1, high: -1, spans: [] as number[] };
  for (let y = 0; y < height; y++) {
    const [low, high] = [rows.low[y] as number, rows.high[y] as number];
    if (low !== between.low || high !== between.high) between = { low, high, spans: spansBetween(low, high) };
    const { spans } = between;
    if (spans.length === 0) continue;
    const above = (stretched[low] ??= stretchRow(map, low, columns, width));
    const below = (stretched[high] ??= stretchRow(map, high, columns, width));
    const share = rows.share[y] as number;
    const at = y * width;
    for (let i = 0; i < spans.length; i += 2) {
      for (let x = spans[i] as number, to = spans[i + 1] as number; x < to; x++) {
        const value = above[x] as number;
        if (Math.fround(value + share * ((below[x] as number) - value)) > 0) out[at + x] = 1;
      }
    }
  }
  return out;
}

interface SamplePoints {
  low: Int32Array;
  high: Int32Array;
  share: Float64Array;
}

/** The first `count` of the `to` samples that `from` samples are stretched to. */
function samplePoints(from: number, to: number, count: number, convention: PixelConvention): SamplePoints {
  const points: SamplePoints = { low: new Int32Array(count), high: new Int32Array(count), share: new Float64Array(count) };
  for (let i = 0; i < count; i++) {
    const aligned = to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    const source = convention === 'aligned' ? aligned : Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(source), from - 1);
    points.low[i] = low;
    points.high[i] = Math.min(low + 1, from - 1);
    points.share[i] = source - low;
  }
  return points;
}

function stretchRow(map: FloatMap, y: number, columns: SamplePoints, width: number): Float32Array {
  const row = new Float32Array(width);
  const at = y * map.width;
  for (let x = 0; x < width; x++) {
    const value = map.data[at + (columns.low[x] as number)] as number;
    row[x] = value + (columns.share[x] as number) * ((map.data[at + (columns.high[x] as number)] as number) - value);
  }
  return row;
}

/** Nearest with source = floor(dst * in / out), as label maps and annotations are reduced. */
export function resizeNearest<T extends Uint8Array | Float32Array>(
  data: T,
  from: { width: number; height: number },
  to: { width: number; height: number },
): T {
  const out = (data instanceof Uint8Array ? new Uint8Array(to.width * to.height) : new Float32Array(to.width * to.height)) as T;
  for (let y = 0; y < to.height; y++) {
    const row = Math.floor((y * from.height) / to.height) * from.width;
    for (let x = 0; x < to.width; x++) out[y * to.width + x] = data[row + Math.floor((x * from.width) / to.width)] as number;
  }
  return out;
}
