/** Content of a part of an image as one vector, its mean feature, of which cosines are taken. */
import type { FeaturePart } from '../../checkpoint/methods-section.ts';
import type { ImageMaps } from '../image-features.ts';
import { unitParts } from '../methods/average-cosines.ts';
import { comparedMap } from '../methods/compared-map.ts';
import type { MethodContext } from '../methods/method.ts';

/** Features of an image as they are compared, each part of each cell at length 1, computed once a call. [C, h * w] */
export function unitFeatures(context: MethodContext, maps: ImageMaps, parts: readonly FeaturePart[]): Promise<UnitFeatures> {
  return context.once(JSON.stringify(['unit', maps.key, parts]), () => {
    const { data, shape } = unitParts(comparedMap(maps, parts));
    const [, channels, rows, columns] = shape as [number, number, number, number];
    return Promise.resolve({ data, channels, cells: rows * columns });
  });
}

export interface UnitFeatures {
  /** [channels, cells] */
  data: Float32Array;
  channels: number;
  cells: number;
}

/** Mean of the features, each cell by its weight. weights: one for each cell. -> [C] */
export function contentOf({ data, channels, cells }: UnitFeatures, weights: ArrayLike<number>): Float32Array {
  const mean = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let i = 0; i < cells; i++) sum += (weights[i] as number) * (data[c * cells + i] as number);
    mean[c] = sum;
  }
  return mean;
}

/** -1..1; 0 where one of them is nothing. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [product, lengthA, lengthB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    product += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  return product / (Math.sqrt(lengthA * lengthB) || 1);
}

/** Mean of the two largest values, or of the only one: of several references two that agree are believed. */
export function bestTwo(values: readonly number[]): number {
  const [first = 0, second = first] = [...values].sort((a, b) => b - a);
  return (first + second) / 2;
}
