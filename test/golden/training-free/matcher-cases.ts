/** Cases of Matcher: matching, proposals, scores and merging, with the decoder's answers as inputs; its parts that the product has no use for. */
import { seededRandom } from '../../../src/core/common/random.ts';
import { matchCells, type CellRows } from '../../../src/core/engine/methods/matcher/matching.ts';
import { pointSets } from '../../../src/core/engine/methods/matcher/point-sets.ts';
import { keptProposals, type KeptProposal, type Proposal } from '../../../src/core/engine/methods/matcher/proposals.ts';
import { maskScore, mergedMasks, type ScoreSettings } from '../../../src/core/engine/methods/matcher/scores.ts';
import { joinedBytes } from '../../../src/core/common/joined.ts';
import { runStepsSync } from '../../../src/core/mask/cooperative.ts';
import { cellShares } from '../../../src/core/mask/label-reduction.ts';
import { resizeMap } from '../../../src/core/mask/resize-map.ts';
import type { CaseRunners } from '../cases.ts';
import { exactTransport } from './exact-transport.ts';
import type { GoldenCase } from '../golden-set.ts';
import { lloyd } from './lloyd.ts';

type Values = Record<string, ArrayLike<number>>;

/** Points up to this number are combined in all ways. */
const FEW = 8;

function unit({ data, shape }: { data: Float32Array; shape: readonly number[] }): CellRows {
  const channels = shape.at(-1) as number;
  const out = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += channels) {
    const row = data.subarray(at, at + channels);
    const length = Math.hypot(...row);
    row.forEach((value, c) => (out[at + c] = value / length));
  }
  return { data: out, count: data.length / channels, channels };
}

/** 1 for cells with any pixel of a mask on the square. */
function touched(data: Uint8Array, size: number, grid: number): number[] {
  const cells = cellShares({ data, width: size, height: size }, { columns: grid, rows: grid, spanX: size, spanY: size });
  return Array.from(cells, (share) => (share > 0 ? 1 : 0));
}

function scoreSettings(golden: GoldenCase): ScoreSettings {
  const number = (name: string): number => golden.param(name) as number;
  return {
    alpha: number('alpha'),
    beta: number('beta'),
    lambda: number('exp'),
    least: { coverage: number('coverage'), emd: number('emd'), purity: number('purity') },
    merge: golden.param('score_filter')
      ? { distance: number('score'), spread: number('score_norm') }
      : { share: number('topk_scores_threshold') },
    most: number('num_merging_mask'),
  };
}

/** The decoder's answers on the square: low-resolution logits by way of SAM's square. */
function proposalsOf(golden: GoldenCase): Proposal[] {
  const logits = golden.floats('logits');
  const iou = golden.floats('predicted_iou').data;
  const dense = golden.bytes('prompt_is_dense').data;
  const prompt = golden.floats('mask_prompt').data;
  const low = logits.shape[2] as number;
  const [square, size] = [golden.param('sam_side') as number, golden.param('size') as number];
  return Array.from(iou, (value, i) => {
    const map = { data: logits.data.subarray(i * low * low, (i + 1) * low * low), width: low, height: low };
    const onSquare = resizeMap(map, square, square, 'half-pixel');
    return { logits: resizeMap(onSquare, size, size, 'half-pixel'), iou: value, dense: dense[prompt[i] as number] === 1 };
  });
}

/** Sets that are not drawn at random have an order of their own: the case's prompts must be these. */
function checkSets(golden: GoldenCase, pool: readonly (readonly [number, number])[]): void {
  if (pool.length > FEW) return;
  const sets = pointSets(pool.length, golden.param('sample_range') as [number, number], Infinity, seededRandom(1));
  const { data, shape } = golden.floats('prompt_xy');
  const dense = golden.bytes('prompt_is_dense').data;
  const lengths = golden.floats('prompt_points').data;
  const scale = (golden.param('sam_side') as number) / (golden.param('size') as number);
  const places = shape[1] as number;
  const given = Array.from(lengths, (length, i) => [...data.subarray(2 * i * places, 2 * (i * places + length))]).filter(
    (_, i) => dense[i] === 0,
  );
  const own = sets.map((set) => set.flatMap((i) => (pool[i] as [number, number]).map((value) => Math.fround(value * scale))));
  const off = own.findIndex((set, i) =>
    set.some((value, j) => Math.abs(value - (given[i]?.[j] ?? NaN)) > 1e-3 || Number.isNaN(given[i]?.[j])),
  );
  if (own.length !== given.length || off >= 0)
    throw new Error(`expected the sets ${JSON.stringify(given)}, got ${JSON.stringify(own)}, from number ${off} on`);
}

function matcher(golden: GoldenCase): Values {
  const number = (name: string): number => golden.param(name) as number;
  const [grid, size, patch, shots] = ['grid', 'size', 'patch', 'shots'].map(number) as [number, number, number, number];
  const masks = golden.bytes('ref_masks').data;
  const cells = Array.from({ length: shots }, (_, k) => touched(masks.subarray(k * size * size, (k + 1) * size * size), size, grid)).flat();
  const marked = [...cells.keys()].filter((i) => cells[i] === 1);
  const target = unit(golden.floats('tar_feats'));
  const { similarity, pairs, matched } = runStepsSync(matchCells(unit(golden.floats('ref_feats')), marked, target));
  const points = [...new Set(matched.map((pair) => pair.target))]
    .sort((a, b) => a - b)
    .map((cell): [number, number] => [
      (cell % grid) * patch + Math.floor(patch / 2),
      Math.floor(cell / grid) * patch + Math.floor(patch / 2),
    ]);
  const centres = golden.has('centres') ? golden.floats('centres').data : undefined;
  checkSets(
    golden,
    centres ? Array.from({ length: centres.length / 2 }, (_, i) => [centres[2 * i] as number, centres[2 * i + 1] as number]) : points,
  );

  const kept = keptProposals(proposalsOf(golden), {
    dense: { iou: number('pred_iou_thresh'), stability: number('stability_score_thresh') },
    sets: { iou: number('iou_filter'), stability: number('sel_stability_score_thresh') },
    boxOverlap: number('box_nms_thresh'),
  });
  const settings = scoreSettings(golden);
  const transportTo = (columns: readonly number[]): number => {
    const cost = marked.flatMap((_, row) => columns.map((cell) => (1 - (similarity[row * target.count + cell] as number)) / 2));
    return exactTransport(cost, marked.length, columns.length);
  };
  const scoreOf = ({ mask }: KeptProposal) => {
    const covered = touched(mask, size, grid);
    const some = covered.includes(1);
    const columns = [...covered.keys()].filter((cell) => !some || covered[cell] === 1);
    const inside = points.filter(([x, y]) => mask[y * size + x] === 1).length;
    return maskScore({ cells: columns.length, inside, points: points.length, transport: transportTo(columns) }, settings);
  };
  const scores = kept.map(scoreOf);
  const { survivors, merged } = mergedMasks(scores, settings);
  const union = new Uint8Array(size * size);
  for (const i of merged) (kept[i] as KeptProposal).mask.forEach((value, pixel) => value === 1 && (union[pixel] = 1));
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return {
    cells,
    forward_ref: pairs.map((pair) => pair.reference),
    forward_tar: pairs.map((pair) => pair.target),
    backward_ref: pairs.map((pair) => pair.back),
    retained: pairs.map((pair) => (pair.retained ? 1 : 0)),
    matched: matched.map((pair) => pair.target),
    matched_similarity: matched.map((pair) => pair.similarity),
    points: points.flat(),
    kept: kept.map(({ index }) => index),
    kept_masks: joinedBytes(kept.map(({ mask }) => mask)),
    purity: scores.map(({ purity }) => purity),
    coverage: scores.map(({ coverage }) => coverage),
    emd_score: scores.map(({ emd }) => emd),
    scores: scores.map(({ score }) => score),
    survivors,
    merged,
    mask: union,
    box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
  };
}

export const matcherCases: CaseRunners = {
  matcher,
  matcher_centres: (golden) => {
    const { centres, assignment } = lloyd(golden.floats('points').data, golden.floats('start').data);
    return { centres, assignment, prompt_points: centres.map(Math.trunc) };
  },
  matcher_transport: (golden) => {
    const out: Values = {};
    for (let i = 0; golden.has(`cost_${i}`); i++) {
      const { data, shape } = golden.floats(`cost_${i}`);
      out[`emd_${i}`] = [exactTransport(data, shape[0] as number, shape[1] as number)];
    }
    return out;
  },
};
