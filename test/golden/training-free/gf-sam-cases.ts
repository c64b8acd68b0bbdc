/** Cases of GF-SAM: every stage on one pair, with a table of masks in the decoder's place. */
import { acceptedMasks, verdictsOf } from '../../../src/core/engine/methods/gf-sam/accepted-masks.ts';
import { clustersOf, membersOf } from '../../../src/core/engine/methods/gf-sam/clusters.ts';
import { averaged, meanCosine, pointMap, type PriorMaps } from '../../../src/core/engine/methods/gf-sam/maps.ts';
import { overshootingGate } from '../../../src/core/engine/methods/gf-sam/overshooting-gate.ts';
import { choosePoints, type GridPoint } from '../../../src/core/engine/methods/gf-sam/points.ts';
import { favourMap, positiveGate } from '../../../src/core/engine/methods/gf-sam/positive-gate.ts';
import { unitCells, type Scaling, type UnitCells } from '../../../src/core/engine/methods/gf-sam/unit-cells.ts';
import { resizeMap } from '../../../src/core/mask/resize-map.ts';
import type { CaseRunners } from '../cases.ts';
import type { GoldenCase } from '../golden-set.ts';

/** Rows of features, one for each cell, as a map [1, C, g, g], scaled. */
function cellsOf(rows: Float32Array, channels: number, side: number, scaling: Scaling): UnitCells {
  const count = side * side;
  const data = new Float32Array(rows.length);
  rows.forEach((value, i) => (data[(i % channels) * count + Math.floor(i / channels)] = value));
  const map = { data, shape: [1, channels, side, side] };
  return unitCells({ map, widths: [channels] }, scaling, { columns: side, rows: side, stride: side });
}

/** Largest product of cosine and weight, in plain loops. */
function largestCosine(target: UnitCells, pool: UnitCells, weights: Float32Array): Float64Array {
  return Float64Array.from({ length: target.count }, (_, t) => {
    let largest = -Infinity;
    for (let s = 0; s < pool.count; s++) {
      let product = 0;
      for (let c = 0; c < pool.channels; c++)
        product += (pool.data[c * pool.count + s] as number) * (target.data[c * target.count + t] as number);
      const shrink = 1 + 1e-7 / ((pool.lengths[s] as number) * (target.lengths[t] as number));
      largest = Math.max(largest, (product / shrink) * (weights[s] as number));
    }
    return largest;
  });
}

/** Parts of a tensor along its first axis. */
function rowsOf<T extends Float32Array | Uint8Array>({ data, shape }: { data: T; shape: readonly number[] }): T[] {
  const size = data.length / (shape[0] as number);
  return Array.from({ length: shape[0] as number }, (_, i) => data.subarray(i * size, (i + 1) * size) as T);
}

function resized(mask: ArrayLike<number>, side: number, to: number, convention: 'aligned' | 'half-pixel'): Float32Array {
  return resizeMap({ data: Float32Array.from(mask), width: side, height: side }, to, to, convention).data.slice();
}

function mapsOf(golden: GoldenCase, target: UnitCells, side: number, scaling: Scaling): { maps: PriorMaps; weights: Float32Array[] } {
  const grid = golden.param('grid') as number;
  const masks = rowsOf(golden.bytes('ref_masks'));
  const weights = masks.map((mask) => resized(mask, side, grid, 'aligned'));
  const pools = rowsOf(golden.floats('ref_feats')).map((rows) => cellsOf(rows, target.channels, grid, scaling));
  const over = (map: (pool: UnitCells, k: number) => Float64Array): Float64Array => averaged(pools.map(map));
  const outside = masks.map((mask) =>
    resized(
      mask.map((value) => 1 - value),
      side,
      grid,
      'aligned',
    ),
  );
  return {
    weights,
    maps: {
      mean: over((pool, k) => meanCosine(target, pool, weights[k] as Float32Array)),
      top: over((pool, k) => largestCosine(target, pool, weights[k] as Float32Array)),
      rest: over((pool, k) => meanCosine(target, pool, outside[k] as Float32Array)),
    },
  };
}

/** The published rule where no mask passes both gates: the largest residual of those that wait, all others counting 0. */
function publishedFallback(verdicts: Uint8Array, residual: Float64Array): number[] {
  const values = [...verdicts].map((verdict, i) => (verdict === 2 ? (residual[i] as number) : 0));
  return values.length === 0 ? [] : [values.indexOf(Math.max(...values))];
}

/** Union of masks, and each one's mean of the map over its pixels where it is the largest. */
function drawn(masks: readonly Uint8Array[], mean: Float32Array): { mask: Uint8Array; probability: Float64Array } {
  const mask = new Uint8Array(mean.length);
  const probability = new Float64Array(mean.length);
  for (const one of masks) {
    let [sum, area] = [0, 0];
    one.forEach((inside, i) => {
      if (inside === 0) return;
      area++;
      sum += mean[i] as number;
    });
    one.forEach((inside, i) => {
      if (inside === 0) return;
      probability[i] = mask[i] === 0 ? sum / area : Math.max(probability[i] as number, sum / area);
      mask[i] = 1;
    });
  }
  return { mask, probability };
}

function gfSamCase(golden: GoldenCase): Record<string, ArrayLike<number>> {
  const [grid, side] = [golden.param('grid') as number, golden.param('side') as number];
  const scaling = golden.param('norm') as Scaling;
  const { data: rows, shape } = golden.floats('tar_feats');
  const target = cellsOf(rows, shape[1] as number, grid, scaling);
  const { maps, weights } = mapsOf(golden, target, side, scaling);
  const kept = pointMap(maps);
  const { points } = choosePoints(kept, grid, golden.param('max_points') as number, false);
  const masks = points.length === 0 ? [] : rowsOf(golden.bytes('decoder_masks'));

  const pixel = (cell: number): number => Math.floor((cell * side) / grid);
  const covers = (i: number, j: number): boolean => {
    const { x, y } = points[j] as GridPoint;
    return masks[i]?.[pixel(y) * side + pixel(x)] === 1;
  };
  const clusters = clustersOf(points.length, covers);
  const members = membersOf(clusters);
  const unions = members.map(
    (list) =>
      drawn(
        list.map((i) => masks[i] as Uint8Array),
        new Float32Array(side * side),
      ).mask,
  );
  const favour = favourMap(maps);
  const shares = masks.map((mask) => resized(mask, side, grid, 'half-pixel'));
  const gate = positiveGate(favour, shares, clusters);
  const regions = unions.map((union) => resized(union, side, grid, 'half-pixel'));
  const own = overshootingGate(target, regions, points, clusters);
  const verdict = verdictsOf(gate, own);
  const passed = acceptedMasks(verdict, gate.residual);
  const accepted = verdict.includes(1) ? passed : publishedFallback(verdict, gate.residual);
  const { mask, probability } = drawn(
    accepted.map((i) => masks[i] as Uint8Array),
    resized(maps.mean, grid, side, 'half-pixel'),
  );
  return {
    cell_weights: weights.flatMap((values) => [...values]),
    mean_map: maps.mean,
    max_map: maps.top,
    neg_map: maps.rest,
    point_map: kept,
    point_sum: [kept.reduce((sum, value) => sum + value, 0)],
    points: points.flatMap(({ x, y }) => [x, y]),
    prompt_xy: points.flatMap(({ x, y }) => [Math.trunc((x * side) / grid), Math.trunc((y * side) / grid)]),
    covers: points.flatMap((_, i) => points.map((__, j) => Number(covers(i, j)))),
    cluster: clusters,
    positive_region: favour.map((value) => Number(value > 0)),
    mask_scores: gate.scores,
    growth: gate.growth,
    residual: gate.residual,
    cluster_pull: own.pull.flatMap((values) => [...values]),
    agrees: own.agrees,
    verdict,
    mask,
    probability,
  };
}

export const gfSamCases: CaseRunners = { 'gfsam_*': gfSamCase };
