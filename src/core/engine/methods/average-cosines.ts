/** Closeness to averages: to the average direction of the marked cells, and to that of all other cells. */
import type { Tensor } from '../../onnx/session.ts';
import type { Cosines } from './cell-cosines.ts';
import type { ComparedMap, ShownMap } from './compared-map.ts';

const EPSILON = 1e-9;

/** Map with every part of every cell scaled to length 1. */
export function unitParts({ map: { data, shape }, widths }: ComparedMap): Tensor {
  const cells = data.length / (shape[1] as number);
  const out = new Float32Array(data.length);
  let from = 0;
  for (const width of widths) {
    const norms = new Float32Array(cells);
    for (let c = from; c < from + width; c++)
      for (let i = 0; i < cells; i++) norms[i] = (norms[i] as number) + (data[c * cells + i] as number) ** 2;
    for (let i = 0; i < cells; i++) norms[i] = Math.sqrt((norms[i] as number) + EPSILON);
    for (let c = from; c < from + width; c++)
      for (let i = 0; i < cells; i++) out[c * cells + i] = (data[c * cells + i] as number) / (norms[i] as number);
    from += width;
  }
  return { data: out, shape };
}

/** Unit vectors of the object and of everything else, over all references. */
function prototypes(references: readonly ShownMap[]): { object: Float32Array; rest: Float32Array } {
  const channels = references[0]?.map.shape[1] as number;
  const object = new Float32Array(channels);
  const rest = new Float32Array(channels);
  for (const { reference, ...compared } of references) {
    const { cells } = reference;
    const { data } = unitParts(compared);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < cells.length; i++) {
        const side = cells[i] === 0 ? rest : object;
        side[c] = (side[c] as number) + (data[c * cells.length + i] as number);
      }
    }
  }
  for (const vector of [object, rest]) {
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, EPSILON));
    vector.forEach((value, c) => (vector[c] = value / length));
  }
  return { object, rest };
}

/** -> cosines per cell of the target, to the average of the marked cells and to that of all others */
export function averageCosines(target: ComparedMap, references: readonly ShownMap[]): Cosines {
  const { object, rest } = prototypes(references);
  const { data } = unitParts(target);
  const cells = data.length / object.length;
  const scale = 1 / Math.sqrt(target.widths.length);
  const cosines: Cosines = { object: new Float32Array(cells), rest: new Float32Array(cells) };
  for (let c = 0; c < object.length; c++) {
    for (const side of ['object', 'rest'] as const) {
      const [weight, sums] = [scale * ((side === 'object' ? object : rest)[c] as number), cosines[side]];
      for (let i = 0; i < cells; i++) sums[i] = (sums[i] as number) + weight * (data[c * cells + i] as number);
    }
  }
  return cosines;
}
