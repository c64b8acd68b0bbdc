import { expect, it } from 'vitest';
import { seededRandom } from '../../../../../src/core/common/random.ts';
import { assignLargest } from '../../../../../src/core/engine/methods/matcher/assignment.ts';
import { matchCells, unitRows } from '../../../../../src/core/engine/methods/matcher/matching.ts';
import { pointSets } from '../../../../../src/core/engine/methods/matcher/point-sets.ts';
import { keptProposals, type Proposal } from '../../../../../src/core/engine/methods/matcher/proposals.ts';
import { maskScore, mergedMasks, type ScoreSettings } from '../../../../../src/core/engine/methods/matcher/scores.ts';
import { sinkhorn } from '../../../../../src/core/engine/methods/matcher/transport.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';
import { exactTransport } from '../../../../golden/training-free/exact-transport.ts';

/** Largest sum over all ways to pair rows with distinct columns. */
function bestSum(scores: Float32Array, rows: number, columns: number): number {
  const from = (row: number, used: number): number => {
    if (row === rows) return 0;
    let best = rows > columns ? from(row + 1, used) : -Infinity;
    for (let column = 0; column < columns; column++)
      if ((used & (1 << column)) === 0)
        best = Math.max(best, (scores[row * columns + column] as number) + from(row + 1, used | (1 << column)));
    return best;
  };
  return from(0, 0);
}

it.each([
  [1, 1],
  [4, 6],
  [6, 6],
  [6, 4],
])('pairs %i rows and %i columns one to one, with the largest sum there is', (rows, columns) => {
  const random = seededRandom(rows * 10 + columns);
  for (let round = 0; round < 20; round++) {
    const scores = Float32Array.from({ length: rows * columns }, () => random());
    const pairs = [...runStepsSync(assignLargest(scores, rows, columns)).entries()].filter(([, column]) => column >= 0);
    expect(new Set(pairs.map(([, column]) => column)).size).toBe(Math.min(rows, columns));
    const sum = pairs.reduce((total, [row, column]) => total + (scores[row * columns + column] as number), 0);
    expect(sum).toBeCloseTo(bestSum(scores, rows, columns), 5);
  }
});

it('keeps the pairs that come back to the object, and all of them where none does', () => {
  // Four cells of a reference in two dimensions: an object to the right, the rest upwards.
  const rows = (vectors: number[][]) =>
    unitRows(Float32Array.from([0, 1].flatMap((c) => vectors.map((vector) => vector[c] as number))), 2, [...vectors.keys()]);
  const reference = rows([
    [1, 0],
    [1, 0.1],
    [0, 1],
    [0.1, 1],
  ]);
  const target = rows([
    [1, 0.05],
    [0.1, 0.9],
  ]);
  const { pairs, matched } = runStepsSync(matchCells(reference, [0, 1], target));
  expect(pairs.map(({ retained }) => retained).sort()).toEqual([false, true]);
  expect(matched.map((pair) => pair.target)).toEqual([0]);
  const upwards = rows([[0, 1]]);
  expect(runStepsSync(matchCells(reference, [0, 1], upwards)).matched).toHaveLength(1);
});

it('takes all sets of a size where they are few, in colexicographic order, else distinct ones by the seed', () => {
  expect(pointSets(4, [2, 3], 6, seededRandom(1))).toEqual([
    ...[
      [0, 1],
      [0, 2],
      [1, 2],
      [0, 3],
      [1, 3],
      [2, 3],
    ],
    ...[
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
    ],
  ]);
  expect(pointSets(2, [4, 6], 4, seededRandom(1))).toEqual([[0, 1]]);
  const drawn = pointSets(30, [1, 6], 4, seededRandom(5));
  expect(drawn).toEqual(pointSets(30, [1, 6], 4, seededRandom(5)));
  expect(drawn).not.toEqual(pointSets(30, [1, 6], 4, seededRandom(6)));
  expect(new Set(drawn.map((set) => set.join())).size).toBe(drawn.length);
  for (const set of drawn) expect(new Set(set).size).toBe(set.length);
});

it('drops masks that are doubted, that hang on the threshold, or whose box another one has', () => {
  const proposal = (from: number, iou: number, logit = 5): Proposal => {
    const data = new Float32Array(64).fill(-5);
    for (let y = from; y < from + 4; y++) data.fill(logit, 8 * y, 8 * y + 4);
    return { logits: { data, width: 8, height: 8 }, iou, dense: false };
  };
  const bounds = { iou: 0.5, stability: 0.9 };
  const all = [proposal(0, 0.6), proposal(0, 0.9), proposal(4, 0.7), proposal(4, 0.4), proposal(2, 0.8, 0.5)];
  expect(keptProposals(all, { dense: bounds, sets: bounds, boxOverlap: 0.65 }).map(({ index }) => index)).toEqual([1, 2]);
  const off = { iou: 0, stability: 0 };
  expect(keptProposals(all, { dense: off, sets: off, boxOverlap: 1 })).toHaveLength(5);
});

it('merges the masks near the best one, however bad it is, and leaves those out whose points are few', () => {
  const settings: ScoreSettings = {
    ...{ alpha: 1, beta: 0, lambda: 0 },
    least: { coverage: 0, emd: 0, purity: 0.02 },
    merge: { distance: 0.33, spread: 0.1 },
    most: 2,
  };
  const score = (transport: number, inside = 5) => maskScore({ cells: 10, inside, points: 10, transport }, settings);
  expect(mergedMasks([score(0.3), score(0.2), score(0.21), score(0.1, 0)], settings)).toEqual({ survivors: [0, 1, 2], merged: [1, 2] });
  expect(mergedMasks([score(0.9), score(0.8)], settings).merged).toEqual([1]);
  expect(mergedMasks([], settings)).toEqual({ survivors: [], merged: [] });
});

it('regularises the transport little enough to tell near cells from far ones', () => {
  const random = seededRandom(3);
  for (const [rows, columns] of [
    [1, 5],
    [7, 7],
    [12, 20],
  ] as const) {
    const cost = Float32Array.from({ length: rows * columns }, () => random());
    const exact = exactTransport(cost, rows, columns);
    expect(sinkhorn(cost, rows, columns)).toBeGreaterThan(exact - 0.02);
    expect(sinkhorn(cost, rows, columns)).toBeLessThan(exact + 0.06);
  }
});
