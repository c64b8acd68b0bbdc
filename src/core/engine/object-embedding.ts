/** One vector for an annotated object, or for a whole image: the average of its cells' features. */
import { visibleIndices, type Geometry } from '../image/geometry.ts';
import type { ImageMaps } from './image-features.ts';

/** Mean of the mid-level features over the marked cells, scaled to length 1. [C] */
export function maskedAverage({ features, cells }: { features: Pick<ImageMaps, 'mid'>; cells: Float32Array }): Float32Array {
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

/** The same over all cells that show something of the image. [C] */
export function wholeAverage(geometry: Pick<Geometry, 'gridSpan'>, image: ImageMaps): Float32Array {
  const [, , rows, columns] = image.mid.shape as [number, number, number, number];
  const cells = new Float32Array(rows * columns);
  for (const cell of visibleIndices(geometry, image)) cells[cell] = 1;
  return maskedAverage({ features: image, cells });
}
