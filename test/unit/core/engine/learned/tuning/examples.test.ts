/** Cells that a step of tuning looks at: of pairs of different images, weighed so that they stand for all. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../../../src/core/common/random.ts';
import { drawExamples, MARKED_CELLS, PAIRS, TARGET_CELLS } from '../../../../../../src/core/engine/learned/tuning/examples.ts';
import type { View } from '../../../../../../src/core/engine/learned/tuning/views.ts';

/** Cells of a view; the first channel says which image it is, the second which cell. */
const CELLS = 400;
function viewOf(image: number, object: number): View {
  const data = new Float32Array(2 * CELLS);
  const all = [...Array(CELLS).keys()];
  data.fill(image, 0, CELLS);
  all.forEach((cell) => (data[CELLS + cell] = cell));
  const mid = { data, shape: [1, 2, 20, 20] };
  return {
    maps: { key: `${image}`, width: 20, height: 20, mid, high: mid },
    marks: Float32Array.from(all, (cell) => (cell < object ? 1 : 0)),
    shares: Float64Array.from(all, (cell) => (cell < object ? 1 : 0)),
    marked: all.slice(0, object),
    object: all.slice(0, object),
    rest: all.slice(object),
  };
}

const views = [[viewOf(1, 4), viewOf(1, 8)], [viewOf(2, 60)], [viewOf(3, 200)], [viewOf(4, CELLS)]];
const pseudo = (_: View, { maps }: View) =>
  Promise.resolve(Float32Array.from({ length: CELLS }, (__, cell) => Number(maps.key) + cell / 1000));
const column = (data: ArrayLike<number>, row: number, width: number): number[] =>
  Array.from({ length: width }, (_, i) => data[row * width + i] as number);

describe('the cells of a step', () => {
  it('are of pairs of two different images, each target with its own pseudo mask', async () => {
    const random = seededRandom(1);
    const seen = new Set<string>();
    for (let step = 0; step < 20; step++) {
      const { target, pair, pseudo: maps, reference, pool } = await drawExamples(views, pseudo, random);
      expect([target.shape, pair.shape]).toEqual([
        [PAIRS * TARGET_CELLS, 2],
        [PAIRS * TARGET_CELLS, PAIRS],
      ]);
      const marked = reference.shape[0] as number;
      for (let i = 0; i < PAIRS; i++) {
        const [image, cell] = column(target.data, i * TARGET_CELLS, 2) as [number, number];
        expect(column(pair.data, i * TARGET_CELLS, PAIRS).indexOf(1)).toBe(i);
        expect(maps.data[i * TARGET_CELLS]).toBeCloseTo(image + cell / 1000, 5);
        const shares = column(pool.data, i, marked);
        const own = [...shares.keys()].filter((row) => (shares[row] as number) > 0);
        expect(own.length).toBeLessThanOrEqual(MARKED_CELLS);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
        const others = new Set(own.map((row) => reference.data[2 * row] as number));
        expect(others.size).toBe(1);
        expect(others.has(image)).toBe(false);
        seen.add(`${[...others].join()} ${image}`);
      }
    }
    expect(seen.size).toBe(12); // all ordered pairs of four images
  });

  it('stand for all cells of a target, however few are object', async () => {
    const { target, on, off } = await drawExamples(views, pseudo, seededRandom(2));
    for (let i = 0; i < PAIRS; i++) {
      const rows = [...Array(TARGET_CELLS).keys()].map((row) => i * TARGET_CELLS + row);
      const sum = (data: ArrayLike<number>): number => PAIRS * rows.reduce((total, row) => total + (data[row] as number), 0);
      const image = target.data[2 * (rows[0] as number)] as number;
      const shown = sum(on.data) / 3;
      expect(shown + sum(off.data)).toBeCloseTo(1, 4);
      const shares = (views[image - 1] as View[]).map(({ object }) => object.length / CELLS);
      expect(shares.some((share) => Math.abs(share - shown) < 1e-4)).toBe(true);
    }
  });

  it('are the same with the same seed', async () => {
    const draw = (seed: number) => drawExamples(views, pseudo, seededRandom(seed));
    expect(await draw(3)).toEqual(await draw(3));
    expect((await draw(3)).target.data).not.toEqual((await draw(4)).target.data);
  });
});
