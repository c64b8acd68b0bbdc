/**
 * Training-free comparison of features: the average direction of the marked cells against that of all other cells. A
 * target cell scores its cosine to the one minus its cosine to the other.
 */
import type { ImageMaps } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import type { Tensor } from '../../onnx/session.ts';

const EPSILON = 1e-9;

/** Length of every cell's feature vector. features [1, C, h, w] -> [h * w] */
function cellNorms({ data, shape }: Tensor): Float32Array {
  const channels = shape[1] as number;
  const cells = data.length / channels;
  const norms = new Float32Array(cells);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < cells; i++) norms[i] = (norms[i] as number) + (data[c * cells + i] as number) ** 2;
  }
  return norms.map((sum) => Math.sqrt(sum + EPSILON));
}

/** Unit vectors of the object and of everything else, over all references. */
function prototypes(references: readonly PreparedReference[]): { object: Float32Array; rest: Float32Array } {
  const channels = references[0]?.features.mid.shape[1] as number;
  const object = new Float32Array(channels);
  const rest = new Float32Array(channels);
  for (const { features, cells } of references) {
    const { data } = features.mid;
    const norms = cellNorms(features.mid);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < cells.length; i++) {
        const side = cells[i] === 0 ? rest : object;
        side[c] = (side[c] as number) + (data[c * cells.length + i] as number) / (norms[i] as number);
      }
    }
  }
  for (const vector of [object, rest]) {
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, EPSILON));
    vector.forEach((value, c) => (vector[c] = value / length));
  }
  return { object, rest };
}

/** -> per cell of the target: cosine to the object minus cosine to the rest, -2..2 */
export function featureContrast(target: ImageMaps, references: readonly PreparedReference[]): Float32Array {
  const { object, rest } = prototypes(references);
  const { data } = target.mid;
  const norms = cellNorms(target.mid);
  const cells = norms.length;
  const scores = new Float32Array(cells);
  for (let c = 0; c < object.length; c++) {
    const weight = (object[c] as number) - (rest[c] as number);
    for (let i = 0; i < cells; i++) scores[i] = (scores[i] as number) + weight * (data[c * cells + i] as number);
  }
  return scores.map((score, i) => score / (norms[i] as number));
}
