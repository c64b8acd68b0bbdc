/**
 * Matcher (Liu et al., 2024), a training-free baseline with its settings for COCO: cells of the target that match the object's in both
 * directions become points, SAM proposes masks for sets of them and for single points, and those whose features lie closest to the
 * reference's by optimal transport are merged.
 *
 * On a small budget: at most 48 single points where the target looks like the object instead of 4,096, 4 sets of each size instead of 64,
 * 256 marked cells, regularised transport; stability and boxes are those of the low-resolution masks. A set of cells comes from the features
 * the model calls high-level, of the part of the grid that shows the image. Empty masks are no proposals; without one the mask is empty.
 * A SAM that expects so much of no mask, such as a small one, has all of its masks compared, as in the settings for single objects.
 */
import { evenly } from '../../../common/evenly.ts';
import { seededRandom } from '../../../common/random.ts';
import { gridOf, visibleIndices } from '../../../image/geometry.ts';
import { runSteps } from '../../../mask/cooperative.ts';
import { reduceLabels } from '../../../mask/label-reduction.ts';
import { DEFAULT_SEED } from '../../defaults.ts';
import type { ImageFeatures, ImageMaps } from '../../image-features.ts';
import type { PreparedReference } from '../../references.ts';
import { samResult } from '../mask-prompts.ts';
import type { MethodContext, RunMethod } from '../method.ts';
import { decodeSamPromptSets, lowResSide, type SamPrompt } from '../sam-prompts.ts';
import type { SamMask } from '../stable-mask.ts';
import { matchCells, unitRows, type CellRows, type Matching } from './matching.ts';
import { pointSets } from './point-sets.ts';
import { keptProposals, type KeptProposal, type Proposal, type ProposalSettings } from './proposals.ts';
import { targetGrid, type TargetGrid } from './target-grid.ts';
import { maskScore, mergedMasks, type ScoreSettings } from './scores.ts';
import { sinkhorn } from './transport.ts';

const PROPOSALS: ProposalSettings = { dense: { iou: 0.88, stability: 0.95 }, sets: { iou: 0.85, stability: 0.9 }, boxOverlap: 0.65 };
/** Bounds of the settings for single objects: none. */
const ALL_PROPOSALS: ProposalSettings = { ...PROPOSALS, dense: { iou: 0, stability: 0 }, sets: { iou: 0, stability: 0 } };
/** Settings for COCO; of several references fewer masks are merged. */
const scoring = (shots: number): ScoreSettings => ({
  ...{ alpha: 1, beta: 0, lambda: 0 },
  least: { coverage: 0, emd: 0, purity: 0.02 },
  merge: { distance: 0.33, spread: 0.1 },
  most: shots > 1 ? 5 : 9,
});
const SET_SIZES = [1, 6] as const;
const SETS_OF_A_SIZE = 4;
const DENSE_POINTS = 48;
/** Prompts decoded at once: more gain nothing on a CPU. */
const BATCH = 8;
/** Cells that are compared: marked ones, and of all references together. */
const MARKED_CELLS = 256;
const POOL_CELLS = 2048;
/** Cells of both sides between which a transport is computed. */
const TRANSPORT_CELLS = [128, 256] as const;
/** Logit of an empty mask. */
const NOTHING = -10;

export const matcher: RunMethod = async (context, target, references, { seed = DEFAULT_SEED }) => {
  const grid = targetGrid(context.geometry, target);
  const pool = referencePool(context, references);
  const seen = unitRows(target.high.data, target.high.shape[1] as number, grid.cells);
  const matching = await runSteps(matchCells(pool.rows, pool.marked, seen));
  context.checkpoint();
  const points = matching.matched.map((pair) => pair.target).sort((a, b) => a - b);
  const sets = pointSets(points.length, SET_SIZES, SETS_OF_A_SIZE, seededRandom(seed)).map((set) => set.map((i) => points[i] as number));
  const dense = evenly(alike(matching, seen.count), DENSE_POINTS).map((cell) => [cell]);
  context.lap('prompt');

  const proposals = [...(await proposed(context, target, grid, dense, true)), ...(await proposed(context, target, grid, sets, false))];
  const sure = keptProposals(proposals, PROPOSALS);
  const kept = sure.length > 0 ? sure : keptProposals(proposals, ALL_PROPOSALS);
  const settings = scoring(references.length);
  const scores = await runSteps(scored(kept, grid, matching, points, settings));
  context.checkpoint();
  const merged = mergedMasks(scores, settings).merged.map((i) => kept[i] as KeptProposal);
  context.lap('decode');
  const result = samResult(context, target, union(merged, lowResSide(target)));
  context.lap('resize');
  return result;
};

/** Cells of all references in one pool, evenly thinned; a cell is marked if any of its pixels is. */
function referencePool({ geometry }: MethodContext, references: readonly PreparedReference[]): { rows: CellRows; marked: number[] } {
  const [on, off]: [PoolCell[], PoolCell[]] = [[], []];
  for (const { features, mask } of references) {
    const cells = reduceLabels(mask, gridOf(geometry, features), { kind: 'any' });
    for (const cell of visibleIndices(geometry, features)) (cells[cell] === 1 ? on : off).push({ features, cell });
  }
  const object = evenly(on, MARKED_CELLS);
  const pool = [...object, ...evenly(off, POOL_CELLS - object.length)];
  return { rows: rowsOf(pool), marked: object.map((_, i) => i) };
}

interface PoolCell {
  features: ImageMaps;
  cell: number;
}

function rowsOf(pool: readonly PoolCell[]): CellRows {
  const channels = pool[0]?.features.high.shape[1] as number;
  const data = new Float32Array(pool.length * channels);
  pool.forEach(({ features, cell }, i) => data.set(unitRows(features.high.data, channels, [cell]).data, i * channels));
  return { data, count: pool.length, channels };
}

/** Target cells whose largest similarity to a marked cell lies in the upper half of its range. */
function alike({ similarity }: Matching, cells: number): number[] {
  const top = new Float32Array(cells).fill(-1);
  for (let i = 0; i < similarity.length; i++) top[i % cells] = Math.max(top[i % cells] as number, similarity[i] as number);
  let [low, high] = [1, -1];
  for (const value of top) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [...top.keys()].filter((cell) => (top[cell] as number) >= (low + high) / 2);
}

/** Masks that SAM proposes for sets of target cells: one for single points, whole, part and subpart for others. */
async function proposed(
  context: MethodContext,
  target: ImageFeatures,
  { centres }: TargetGrid,
  sets: readonly (readonly number[])[],
  dense: boolean,
): Promise<Proposal[]> {
  const side = lowResSide(target);
  const found: Proposal[] = [];
  for (const size of new Set(sets.map(({ length }) => length))) {
    const alike = sets.filter(({ length }) => length === size);
    for (let start = 0; start < alike.length; start += BATCH) {
      const prompts = alike
        .slice(start, start + BATCH)
        .map((set) => set.map((cell): SamPrompt => ({ ...(centres[cell] as { x: number; y: number }), kind: 'positive' })));
      for (const { all } of await decodeSamPromptSets(context.networks, context.geometry, target, prompts))
        for (const { logits, iou } of dense ? all.slice(0, 1) : all.slice(1))
          if (logits.some((value) => value > 0)) found.push({ logits: { data: logits, width: side, height: side }, iou, dense });
      context.checkpoint();
    }
  }
  return found;
}

function* scored(kept: readonly KeptProposal[], grid: TargetGrid, matching: Matching, points: readonly number[], settings: ScoreSettings) {
  const scores = [];
  for (const { mask } of kept) {
    const cells = grid.cellsOf(mask);
    const inside = points.filter((cell) => mask[grid.pixels[cell] as number] === 1).length;
    const transport = transportTo(matching, grid.cells.length, cells);
    scores.push(maskScore({ cells: cells.length, inside, points: points.length, transport }, settings));
    yield;
  }
  return scores;
}

function transportTo({ similarity }: Matching, width: number, cells: readonly number[]): number {
  const rows = evenly([...Array(similarity.length / width).keys()], TRANSPORT_CELLS[0]);
  const columns = evenly(cells, TRANSPORT_CELLS[1]);
  if (columns.length === 0) return 1;
  const cost = new Float32Array(rows.length * columns.length);
  rows.forEach((row, i) =>
    columns.forEach((column, j) => (cost[i * columns.length + j] = (1 - (similarity[row * width + column] as number)) / 2)),
  );
  return sinkhorn(cost, rows.length, columns.length);
}

/** Largest logit of the masks; SAM's estimates of them weigh as much as their areas. */
function union(merged: readonly KeptProposal[], side: number): SamMask {
  const logits = new Float32Array(side * side).fill(NOTHING);
  let [pixels, estimates] = [0, 0];
  for (const { logits: map, mask, iou } of merged) {
    for (let i = 0; i < logits.length; i++) logits[i] = Math.max(logits[i] as number, map.data[i] as number);
    const area = mask.reduce((sum, value) => sum + value, 0);
    pixels += area;
    estimates += area * iou;
  }
  return { logits, iou: pixels === 0 ? 0 : estimates / pixels };
}
