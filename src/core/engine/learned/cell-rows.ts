/** Features of an image's cells as rows of numbers, which a probe weighs: the backbone's parts and SAM's embedding, each at length 1. */
import type { FeaturePart } from '../../checkpoint/methods-section.ts';
import { visibleIndices, type Geometry } from '../../image/geometry.ts';
import type { ImageFeatures } from '../image-features.ts';
import { unitParts } from '../methods/average-cosines.ts';
import { comparedMap, type ComparedMap } from '../methods/compared-map.ts';

export interface CellRows {
  /** The last number of a row is 1. [n, width] */
  data: Float32Array;
  width: number;
  /** Numbers of the rows' cells on the whole grid: those that show something of the image. */
  cells: readonly number[];
  /** Cells of the whole grid. */
  grid: { rows: number; columns: number };
}

export function cellRows(geometry: Pick<Geometry, 'gridSpan'>, image: ImageFeatures, parts: readonly FeaturePart[]): CellRows {
  const [, , rows, columns] = image.mid.shape as [number, number, number, number];
  const compared: ComparedMap[] = [comparedMap(image, parts)];
  const [, channels, down, across] = image.embedding.shape as [number, number, number, number];
  // Of a backbone of its own SAM's grid is another one.
  if (down === rows && across === columns) compared.push({ map: image.embedding, widths: [channels] });
  const maps = compared.map((map) => unitParts(map));
  const width = maps.reduce((sum, { shape }) => sum + (shape[1] as number), 1);
  const cells = visibleIndices(geometry, image);
  const data = new Float32Array(cells.length * width);
  let at = 0;
  for (const { data: values, shape } of maps) {
    for (let c = 0; c < (shape[1] as number); c++, at++)
      cells.forEach((cell, row) => (data[row * width + at] = values[c * rows * columns + cell] as number));
  }
  for (let row = 0; row < cells.length; row++) data[row * width + at] = 1;
  return { data, width, cells, grid: { rows, columns } };
}

/** One number for each cell of the grid; cells beside the image get the lowest. weights [width] -> [rows * columns] */
export function weighed({ data, width, cells, grid }: CellRows, weights: ArrayLike<number>): Float32Array {
  const values = new Float32Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (weights[i] as number) * (data[row * width + i] as number);
    values[row] = sum;
  }
  const out = new Float32Array(grid.rows * grid.columns).fill(values.reduce((low, value) => Math.min(low, value), Infinity));
  cells.forEach((cell, row) => (out[cell] = values[row] as number));
  return out;
}
