/** An annotated object as one vector of SAM's own embedding (PerSAM, Zhang et al., 2023). */
import type { Geometry } from '../../../image/geometry.ts';
import { pillowResize } from '../../../image/pillow-resize.ts';
import { IMAGENET } from '../../../image/preprocess.ts';
import { resizeMap } from '../../../mask/resize-map.ts';
import type { BinaryMask } from '../../../mask/label-reduction.ts';
import type { Tensor } from '../../../onnx/session.ts';
import type { ImageFeatures } from '../../image-features.ts';

/** Size that an image takes within SAM's square input, and the square's side. */
export function sizeInSam(geometry: Pick<Geometry, 'toSam'>, { width, height }: { width: number; height: number }) {
  const [left, top] = geometry.toSam(0, 0, width, height);
  const [right, bottom] = geometry.toSam(width, height, width, height);
  const size = { width: Math.round(right - left), height: Math.round(bottom - top) };
  return { ...size, square: Math.max(size.width, size.height) };
}

/**
 * Cells of SAM's grid that a mask covers, as the published code has them: the mask as a grey image takes the image's way into SAM, red
 * channel's normalisation and padding by zeros included, and a cell is marked where that is above 0 at its centre. Where no cell is, the
 * fullest one is.
 *
 * grid: cells across and down. grey: value of the mask's pixels, 1..255; with 255 a little less than half a cell has to be covered, with
 * 128 (palette images) nearly all of it. -> 0/1 per cell, row-major
 */
export function samCells(geometry: Pick<Geometry, 'toSam'>, mask: BinaryMask, grid: number, grey = 255): Uint8Array {
  const { square, ...size } = sizeInSam(geometry, mask);
  const levels = new Uint8Array(mask.data.length);
  for (let i = 0; i < levels.length; i++) levels[i] = mask.data[i] === 0 ? 0 : grey;
  const resized = pillowResize({ data: levels, width: mask.width, height: mask.height, channels: 1 }, size.width, size.height);
  const [mean, std] = [IMAGENET.mean[0], IMAGENET.std[0]];
  const input = new Float32Array(square * square);
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) input[y * square + x] = ((resized.data[y * size.width + x] as number) - mean) / std;
  const { data } = resizeMap({ data: input, width: square, height: square }, grid, grid, 'half-pixel');
  const cells = new Uint8Array(data.length);
  let fullest = 0;
  for (let i = 0; i < data.length; i++) {
    if ((data[i] as number) > 0) cells[i] = 1;
    if ((data[i] as number) > (data[fullest] as number)) fullest = i;
  }
  if (!cells.includes(1)) cells[fullest] = 1;
  return cells;
}

/** An embedding [1, c, g, g], and its marked cells. */
export interface MarkedEmbedding {
  embedding: Tensor;
  cells: Uint8Array;
}

/** SAM's view of a reference, and the cells that its mask covers there. */
export function markedEmbedding(
  geometry: Pick<Geometry, 'toSam'>,
  { embedding }: Pick<ImageFeatures, 'embedding'>,
  mask: BinaryMask,
  grey?: number,
): MarkedEmbedding {
  return { embedding, cells: samCells(geometry, mask, embedding.shape[2] as number, grey) };
}

/** Mean and largest value of every channel over the marked cells of all references together. [c] each */
function channelStatistics(references: readonly MarkedEmbedding[]): { mean: Float32Array; max: Float32Array } {
  const channels = references[0]?.embedding.shape[1] as number;
  const mean = new Float32Array(channels);
  const max = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    let [sum, count, largest] = [0, 0, -Infinity];
    for (const { embedding, cells } of references) {
      for (let i = 0; i < cells.length; i++) {
        if (cells[i] === 0) continue;
        const value = embedding.data[c * cells.length + i] as number;
        sum += value;
        count++;
        if (value > largest) largest = value;
      }
    }
    mean[c] = sum / count;
    max[c] = largest;
  }
  return { mean, max };
}

/** PerSAM's vector: the mean over the marked cells; of several references, which the paper does not have, the mean of theirs. [c] */
export function meanVector(references: readonly MarkedEmbedding[]): Float32Array {
  const vectors = references.map((reference) => channelStatistics([reference]).mean);
  return (vectors[0] as Float32Array).map((_, c) => vectors.reduce((sum, vector) => sum + (vector[c] as number), 0) / vectors.length);
}

/** PerSAM-F's vector: half the largest value and half the mean, over the marked cells of all references. [c] */
export function peakVector(references: readonly MarkedEmbedding[]): Float32Array {
  const { mean, max } = channelStatistics(references);
  return max.map((value, c) => (value + (mean[c] as number)) / 2);
}
