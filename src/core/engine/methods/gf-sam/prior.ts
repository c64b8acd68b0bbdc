/** Prior of GF-SAM on the features of a model's plan: several references are averaged, map by map. */
import { visibleCells } from '../../../image/geometry.ts';
import type { Tensor } from '../../../onnx/session.ts';
import type { ImageFeatures } from '../../image-features.ts';
import type { PreparedReference } from '../../references.ts';
import { largestMarkedCosine } from '../cell-cosines.ts';
import { comparedMap } from '../compared-map.ts';
import type { MethodContext } from '../method.ts';
import { averaged, meanCosine, type PriorMaps } from './maps.ts';
import { unitCells, type Scaling, type SeenCells, type UnitCells } from './unit-cells.ts';

/** Scaling that the other methods compare by, as good as 'channel' (docs/decisions/024-gf-sam-with-a-budget.md). */
const SCALING: Scaling = 'token';

export interface Prior {
  maps: PriorMaps;
  /** Features of the target. */
  cells: UnitCells;
  /** Cells of the target that all of this is about. */
  seen: SeenCells;
}

export async function priorOf(context: MethodContext, target: ImageFeatures, references: readonly PreparedReference[]): Promise<Prior> {
  const { parts } = context.networks.matching['gf-sam'];
  const seen = visibleCells(context.geometry, target);
  const cells = unitCells(comparedMap(target, parts), SCALING, seen);
  const whole = wholeMap(cells, seen, target.mid.shape);
  const maps: PriorMaps[] = [];
  for (const reference of references) {
    const { features } = reference;
    const shown = visibleCells(context.geometry, features);
    const pool = unitCells(comparedMap(features, parts), SCALING, shown);
    const marked = seenOf(reference.cells, shown);
    const largest = await largestMarkedCosine(context, whole, [{ reference, ...wholeMap(pool, shown, features.mid.shape) }]);
    maps.push({
      mean: meanCosine(cells, pool, marked),
      top: seenOf(largest, seen).map((value) => Math.max(0, value)),
      rest: meanCosine(
        cells,
        pool,
        marked.map((value) => 1 - value),
      ),
    });
    context.checkpoint();
  }
  const over = (map: keyof PriorMaps): Float64Array => averaged(maps.map((each) => each[map]));
  return { maps: { mean: over('mean'), top: over('top'), rest: over('rest') }, cells, seen };
}

/** The seen part of values on the whole grid. */
function seenOf(values: Float32Array, { columns, rows, stride }: SeenCells): Float64Array {
  const out = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) out.set(values.subarray(row * stride, row * stride + columns), row * columns);
  return out;
}

/** The cells in their places on the whole grid, zeros beside them. [1, C, h, w] */
function wholeMap(
  { data, channels }: UnitCells,
  { columns, rows, stride }: SeenCells,
  shape: readonly number[],
): { map: Tensor; widths: number[] } {
  const [, , height, width] = shape as [number, number, number, number];
  const map = { data, shape: [1, channels, height, width] };
  if (columns * rows === height * width) return { map, widths: [channels] };
  map.data = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < rows; row++) {
      const from = (c * rows + row) * columns;
      map.data.set(data.subarray(from, from + columns), c * height * width + row * stride);
    }
  }
  return { map, widths: [channels] };
}
