/** The reference side of a pseudo mask: only cells that are marked take part in the product. */
import type { Tensor } from './session.ts';

export interface MarkedCells {
  /** Features of the marked cells times their mask value. [n, C] */
  cells: Tensor;
  /** 0 if any cell is masked out and counts (its similarity is exactly 0), else -1. [1] */
  floor: Tensor;
}

/** features [1, C, h, w], mask of h * w values; alone: cells that are masked out do not count -> undefined when no cell is marked */
export function markedCells(features: Tensor, mask: Float32Array, alone = false): MarkedCells | undefined {
  const channels = features.shape[1] as number;
  const cells = mask.length;
  const marked: number[] = [];
  for (let i = 0; i < cells; i++) if (mask[i] !== 0) marked.push(i);
  if (marked.length === 0) return undefined;
  const data = new Float32Array(marked.length * channels);
  marked.forEach((cell, row) => {
    for (let c = 0; c < channels; c++) data[row * channels + c] = (features.data[c * cells + cell] as number) * (mask[cell] as number);
  });
  return {
    cells: { data, shape: [marked.length, channels] },
    floor: { data: Float32Array.of(marked.length < cells && !alone ? 0 : -1), shape: [1] },
  };
}
