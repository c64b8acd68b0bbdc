/** Features as GF-SAM compares them: scaled, then of length 1 in every cell, with the lengths kept for the epsilon of its cosine. */
import type { ComparedMap } from '../compared-map.ts';

/**
 * - 'channel': every channel by its length over the image's own cells, which lifts quiet channels against the few loud ones (GF-SAM's code)
 * - 'token': every part of every cell to length 1 (the plain cosine)
 */
export type Scaling = 'channel' | 'token';

export interface UnitCells {
  /** Features of length 1 in every cell, or 0. [C, n] */
  data: Float32Array;
  channels: number;
  count: number;
  /** Lengths before. [n] */
  lengths: Float64Array;
}

/** Part of a grid that shows its image: the upper left columns x rows of a wider one. */
export interface SeenCells {
  columns: number;
  rows: number;
  stride: number;
}

const MIN_LENGTH = 1e-12;
/** A cell with shorter features points nowhere. */
const NO_DIRECTION = 3e-4;

/** Only cells that are seen, row by row. */
export function unitCells({ map, widths }: ComparedMap, scaling: Scaling, seen: SeenCells): UnitCells {
  const channels = map.shape[1] as number;
  const data = seenValues(map.data, channels, seen);
  const count = seen.columns * seen.rows;
  if (scaling === 'channel') scaleChannels(data, channels, count);
  else scaleParts(data, widths, count);
  return { data, channels, count, lengths: scaleCells(data, 0, channels, count) };
}

/** A copy without the cells that only see padding. [C, rows * columns] */
function seenValues(values: Float32Array, channels: number, { columns, rows, stride }: SeenCells): Float32Array {
  const all = values.length / channels;
  if (all === columns * rows) return values.slice();
  const out = new Float32Array(channels * columns * rows);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < rows; row++, at += columns) {
      const from = c * all + row * stride;
      out.set(values.subarray(from, from + columns), at);
    }
  }
  return out;
}

function scaleChannels(data: Float32Array, channels: number, count: number): void {
  for (let c = 0; c < channels; c++) {
    let squares = 0;
    for (let i = c * count; i < (c + 1) * count; i++) squares += (data[i] as number) ** 2;
    const length = Math.max(Math.sqrt(squares), MIN_LENGTH);
    for (let i = c * count; i < (c + 1) * count; i++) data[i] = (data[i] as number) / length;
  }
}

/** Parts count alike, and a cell of all of them has length 1. */
function scaleParts(data: Float32Array, widths: readonly number[], count: number): void {
  let from = 0;
  for (const width of widths) {
    scaleCells(data, from, from + width, count, Math.sqrt(widths.length));
    from += width;
  }
}

/** Divides channels from..to of every cell by their length, times `share`. -> lengths before */
function scaleCells(data: Float32Array, from: number, to: number, count: number, share = 1): Float64Array {
  const lengths = new Float64Array(count);
  for (let c = from; c < to; c++)
    for (let i = 0; i < count; i++) lengths[i] = (lengths[i] as number) + (data[c * count + i] as number) ** 2;
  const factors = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const length = Math.sqrt(lengths[i] as number);
    lengths[i] = Math.max(length, NO_DIRECTION);
    factors[i] = length < NO_DIRECTION ? 0 : 1 / (length * share);
  }
  for (let c = from; c < to; c++)
    for (let i = 0; i < count; i++) data[c * count + i] = (data[c * count + i] as number) * (factors[i] as number);
  return lengths;
}
