/** Places where an object may be: the cosine of its vector to SAM's embedding of the target (PerSAM, Zhang et al., 2023). */
import type { Geometry } from '../../../image/geometry.ts';
import { PAUSE_AFTER_PLAIN, type Steps } from '../../../mask/cooperative.ts';
import { resizeMap, type FloatMap } from '../../../mask/resize-map.ts';
import type { ImageFeatures } from '../../image-features.ts';
import { sigmoid } from '../sigmoid.ts';
import { sizeInSam } from './object-vector.ts';

/** A pixel of the image, its upper left one being (0, 0). */
export type Pixel = readonly [x: number, y: number];

type Seen = Pick<ImageFeatures, 'embedding' | 'width' | 'height'>;

export interface LocationPrior {
  /** Cosine per cell of SAM's grid, -1..1. [g * g] */
  low: Float32Array;
  /** The same at the image's own size, on the way that SAM's masks take. */
  similarity: FloatMap;
  /** Pixels of the largest and the smallest value, the first in reading order among equals. */
  most: Pixel;
  least: Pixel;
  /** Closeness of each cell for target-guided attention, 0..1. [g * g] */
  bias: Float32Array;
}

/** vector [c], of any length. */
export function* locationPrior(geometry: Pick<Geometry, 'lowToImage'>, target: Seen, vector: Float32Array): Steps<LocationPrior> {
  const { width, height } = target;
  const grid = target.embedding.shape[2] as number;
  const low = cosines(target, vector);
  const map = resizeMap({ data: low, width: grid, height: grid }, 4 * grid, 4 * grid, 'half-pixel');
  const similarity = geometry.lowToImage(map, width, height);
  yield;
  const { data } = similarity;
  let [most, least, sum] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    sum += value;
    if (value > (data[most] as number)) most = i;
    if (value < (data[least] as number)) least = i;
    if ((i + 1) % PAUSE_AFTER_PLAIN === 0) yield;
  }
  const mean = sum / data.length;
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    squares += ((data[i] as number) - mean) ** 2;
    if ((i + 1) % PAUSE_AFTER_PLAIN === 0) yield;
  }
  const deviation = Math.sqrt(squares / Math.max(1, data.length - 1)); // of a sample, as PyTorch has it
  // The whole image is stretched over the whole grid, padding included: so has the published code.
  const onGrid = resizeMap(similarity, grid, grid, 'half-pixel').data;
  const pixel = (i: number): Pixel => [i % width, Math.floor(i / width)];
  return {
    low,
    similarity,
    most: pixel(most),
    least: pixel(least),
    bias: onGrid.map((value) => sigmoid(deviation === 0 ? 0 : (value - mean) / deviation)),
  };
}

function cosines({ embedding: { data, shape } }: Seen, vector: Float32Array): Float32Array {
  const channels = shape[1] as number;
  const cells = data.length / channels;
  const products = new Float64Array(cells);
  const squares = new Float64Array(cells);
  let own = 0;
  for (let c = 0; c < channels; c++) {
    const factor = vector[c] as number;
    own += factor * factor;
    for (let i = 0; i < cells; i++) {
      const value = data[c * cells + i] as number;
      products[i] = (products[i] as number) + factor * value;
      squares[i] = (squares[i] as number) + value * value;
    }
  }
  const out = new Float32Array(cells);
  for (let i = 0; i < cells; i++) {
    const lengths = Math.sqrt(own * (squares[i] as number));
    out[i] = lengths === 0 ? 0 : (products[i] as number) / lengths;
  }
  return out;
}

/** A pixel of the image as a place of it that comes to lie where SAM's own predictor puts the pixel: at its number times the scale. */
export function placeOf(geometry: Pick<Geometry, 'toSam'>, target: { width: number; height: number }, [x, y]: Pixel) {
  const size = sizeInSam(geometry, target);
  return { x: x + (0.5 * target.width) / size.width, y: y + (0.5 * target.height) / size.height };
}
