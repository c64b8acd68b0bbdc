/** Regions erased from a prediction: what an accepted mask leaves out of its image is background for the nearest cells and for the probe. */
import { describe, expect, it } from 'vitest';
import { momentsOf } from '../../../../../src/core/engine/learned/moments.ts';
import { ridgeWeights } from '../../../../../src/core/engine/learned/ridge.ts';
import { cellCosines, type CellContext } from '../../../../../src/core/engine/methods/cell-cosines.ts';
import { geometryOf } from '../../../../../src/core/image/geometry.ts';
import { IMAGENET } from '../../../../../src/core/image/preprocess.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';

const [SIDE, CHANNELS] = [4, 3];
const CELLS = SIDE * SIDE;
/** Cells that look like the object, like it but for a little (as a lookalike does), and like neither. */
const [OBJECT, LOOKALIKE, FLOOR] = [
  [1, 0, 0],
  [0.9, 0.4, 0],
  [0, 0, 1],
] as const;
const lookOf = (cell: number): readonly number[] => (cell < 4 ? OBJECT : cell < 8 ? LOOKALIKE : FLOOR);
const map = {
  data: Float32Array.from({ length: CHANNELS * CELLS }, (_, i) => lookOf(i % CELLS)[Math.floor(i / CELLS)] as number),
  shape: [1, CHANNELS, SIDE, SIDE],
};
/** The mask as it was predicted, lookalike included, and as a person left it. */
const predicted = Float32Array.from({ length: CELLS }, (_, cell) => (cell < 8 ? 1 : 0));
const accepted = Float32Array.from({ length: CELLS }, (_, cell) => (cell < 4 ? 1 : 0));

const context: CellContext = {
  geometry: geometryOf({ resize: 'stretch', samSize: 96, normalisation: IMAGENET }),
  checkpoint: () => undefined,
  networks: {
    nearestCosine(cells, target) {
      const channels = target.shape[1] as number;
      const unit = (values: number[]): number[] => values.map((value) => value / Math.hypot(...values));
      const rows = Array.from({ length: cells.data.length / channels }, (_, row) =>
        unit([...cells.data.slice(row * channels, (row + 1) * channels)]),
      );
      const best = Float32Array.from({ length: CELLS }, (_, cell) => {
        const seen = unit(Array.from({ length: channels }, (__, c) => target.data[c * CELLS + cell] as number));
        return Math.max(...rows.map((row) => row.reduce((sum, value, c) => sum + value * (seen[c] as number), 0)));
      });
      return Promise.resolve(best);
    },
  },
};

async function contrasts(cells: Float32Array): Promise<number[]> {
  const features = { key: 'x', width: 100, height: 100, mid: map, high: map };
  const shown = { reference: { features, cells }, map, widths: [CHANNELS] };
  const { object, rest } = await cellCosines(context, { map, widths: [CHANNELS] }, [shown]);
  return [...object].map((value, i) => value - (rest[i] as number));
}

function probed(cells: Float32Array): number[] {
  const rows = Array.from({ length: CELLS }, (_, cell) => [...lookOf(cell), 1]);
  const data = Float32Array.from(rows.flat());
  const moments = runStepsSync(momentsOf({ data, width: CHANNELS + 1, cells: [...rows.keys()] }, cells));
  const weights = runStepsSync(ridgeWeights([moments])) as Float64Array;
  return rows.map((row) => row.reduce((sum, value, i) => sum + value * (weights[i] as number), 0));
}

describe('a region erased from a prediction', () => {
  it('is background for the nearest cells as soon as the corrected mask is the reference', async () => {
    const [before, after] = [await contrasts(predicted), await contrasts(accepted)];
    expect(before[5]).toBeGreaterThan(0);
    expect(after[5]).toBeLessThan(0);
    for (const contrast of [before, after]) expect([(contrast[1] as number) > 0, (contrast[12] as number) > 0]).toEqual([true, false]);
  });

  it('is background for the probe', () => {
    const [before, after] = [probed(predicted), probed(accepted)];
    expect(before[5]).toBeGreaterThan(0);
    expect(after[5]).toBeLessThan(0);
    for (const values of [before, after]) expect([(values[1] as number) > 0, (values[12] as number) > 0]).toEqual([true, false]);
  });
});
