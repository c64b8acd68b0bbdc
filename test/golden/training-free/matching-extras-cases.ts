/**
 * Cases of additions to training-free matching: position removed from features, candidates, clusters and their aggregation (INSID3,
 * arXiv 2603.28480), containment decay (No Time to Train, arXiv 2507.02798), second-moment map (FSSDINO, arXiv 2602.07550).
 */
import type { CaseRunners } from '../cases.ts';
import type { GoldenCase } from '../golden-set.ts';
import { cellVectors, dot, eigenvectors, mapOf, meanOf, secondMoments, unit } from './plain-algebra.ts';

type Vectors = Float64Array[];

/** Strongest directions of features that show nothing but position. -> onto them. [C][C] */
function positionProjector(blank: Vectors, rank: number): Vectors {
  const units = blank.map(unit);
  const mean = meanOf(units);
  const centred = units.map((vector) => vector.map((value, c) => value - (mean[c] as number)));
  return secondMoments(eigenvectors(secondMoments(centred)).slice(0, rank));
}

function withoutPosition(vectors: Vectors, projector: Vectors): Vectors {
  return vectors.map((vector) => {
    const direction = unit(vector);
    return unit(direction.map((value, c) => value - dot(projector[c] as Float64Array, direction)));
  });
}

/** Average linkage of cosines, cut where the closest two clusters are less similar than tau. -> numbered by their first cell */
function averageLinkage(vectors: Vectors, tau: number): Int32Array {
  const units = vectors.map(unit);
  let groups = units.map((_, i) => [i]);
  const similarity = units.map((a) => Float64Array.from(units, (b) => dot(a, b)));
  const between = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, i) => sum + b.reduce((part, j) => part + ((similarity[i] as Float64Array)[j] as number), 0), 0) / (a.length * b.length);
  for (;;) {
    let best = { value: tau, a: -1, b: -1 };
    groups.forEach((a, i) => {
      for (let j = i + 1; j < groups.length; j++) {
        const value = between(a, groups[j] as number[]);
        if (value >= best.value) best = { value, a: i, b: j };
      }
    });
    if (best.a < 0) break;
    const joined = [...(groups[best.a] as number[]), ...(groups[best.b] as number[])];
    groups = [...groups.filter((_, i) => i !== best.a && i !== best.b), joined];
  }
  const clusters = new Int32Array(vectors.length);
  groups.sort((a, b) => Math.min(...a) - Math.min(...b)).forEach((group, cluster) => group.forEach((cell) => (clusters[cell] = cluster)));
  return clusters;
}

/** References whose nearest cell to each target cell is a marked one. */
function backwardVotes(target: Vectors, references: readonly Vectors[], marks: readonly ArrayLike<number>[]): Int32Array {
  return Int32Array.from(target, (t) =>
    references.reduce((votes, cells, k) => {
      let [best, nearest] = [-Infinity, 0];
      cells.forEach((cell, s) => {
        const value = dot(cell, t);
        if (value > best) [best, nearest] = [value, s];
      });
      return votes + Number(marks[k]?.[nearest] === 1);
    }, 0),
  );
}

function parts<T extends Float32Array | Uint8Array>({
  data,
  shape,
}: {
  data: T;
  shape: readonly number[];
}): { data: T; shape: number[] }[] {
  const size = data.length / (shape[0] as number);
  return Array.from({ length: shape[0] as number }, (_, i) => {
    return { data: data.subarray(i * size, (i + 1) * size) as T, shape: shape.slice(1) };
  });
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
  return low + (place - Math.floor(place)) * (high - low);
}

/** Share of the prototype's direction in every cluster that looks like the seed, and is candidate. */
function aggregated(
  golden: GoldenCase,
  target: { raw: Vectors; debiased: Vectors; forward: number[] },
  candidates: Uint8Array,
  prototype: Float64Array,
) {
  const cluster = averageLinkage(target.raw, golden.param('tau') as number);
  const groups: number[][] = [];
  cluster.forEach((number, cell) => (groups[number] ??= []).push(cell));
  const pick = (vectors: Vectors, cells: number[]): Float64Array => unit(meanOf(cells.map((cell) => vectors[cell] as Float64Array)));
  const raw = groups.map((cells) => pick(target.raw.map(unit), cells));
  const shares = groups.map((cells) => cells.reduce((sum, cell) => sum + (candidates[cell] as number), 0) / cells.length);
  let [best, seed] = [-Infinity, 0];
  groups.forEach((cells, i) => {
    const value = dot(pick(target.debiased, cells), prototype);
    if (shares[i] !== 0 && value > best) [best, seed] = [value, i];
  });
  const score = groups.map((cells, i) => {
    const cross = cells.reduce((sum, cell) => sum + (target.forward[cell] as number), 0) / cells.length;
    return cross * dot(raw[i] as Float64Array, raw[seed] as Float64Array) * (i === seed ? 1 : (shares[i] as number));
  });
  const least = golden.param('merge_threshold') as number;
  return { cluster, seed: [seed], score, mask: [...cluster].map((number) => Number((score[number] as number) > least)) };
}

function insid3Case(golden: GoldenCase): Record<string, ArrayLike<number>> {
  const projector = positionProjector(cellVectors(golden.floats('blank')), golden.param('rank') as number);
  const references = parts(golden.floats('ref_feats')).map((map) => withoutPosition(cellVectors(map), projector));
  const raw = cellVectors(golden.floats('tar_feats'));
  const debiased = withoutPosition(raw, projector);
  const marks = parts(golden.bytes('cells')).map(({ data }) => data);
  const prototype = unit(meanOf(references.map((cells, k) => meanOf(cells.filter((_, i) => marks[k]?.[i] === 1)))));
  const forward = debiased.map((t) => dot(prototype, t));
  const votes = backwardVotes(debiased, references, marks);
  const found = (least: number): Uint8Array =>
    Uint8Array.from(forward, (value, i) => Number(value > least && (votes[i] as number) >= Math.ceil(references.length / 2)));
  const positive = forward.some((value) => value > 0);
  const candidates = found(positive ? 0 : quantile(forward, 0.9));
  return {
    projector: projector.flatMap((row) => [...row]),
    ref_debiased: references.flatMap(mapOf),
    tar_debiased: mapOf(debiased),
    prototype,
    votes,
    candidates,
    ...aggregated(golden, { raw, debiased, forward }, candidates, prototype),
  };
}

/** masks: best first. -> for each the share that no better mask of similar features contains */
function semanticDecay(golden: GoldenCase): Record<string, ArrayLike<number>> {
  const masks = parts(golden.bytes('masks')).map(({ data }) => data);
  const features = parts(golden.floats('feats')).map(({ data }) => unit(Float64Array.from(data)));
  const factor = masks.map((mask, i) => {
    const area = mask.reduce((sum, value) => sum + value, 0);
    const held = masks.slice(0, i).map((better, j) => {
      const similarity = Math.max(0, dot(features[i] as Float64Array, features[j] as Float64Array));
      return area === 0 ? 0 : (dot(mask, better) / area) * similarity;
    });
    return Math.sqrt(Math.max(0, 1 - Math.max(0, ...held)));
  });
  return { factor };
}

function gramMap(golden: GoldenCase): Record<string, ArrayLike<number>> {
  const marks = golden.bytes('cells').data;
  const marked = cellVectors(golden.floats('ref_feats')).filter((_, i) => marks[i] === 1);
  const gram = secondMoments(marked.map(unit)).map((row) => row.map((value) => value / marked.length));
  const energy = cellVectors(golden.floats('tar_feats')).map((t) =>
    dot(
      t,
      gram.map((row) => dot(row, t)),
    ),
  );
  const [low, high] = [Math.min(...energy), Math.max(...energy)];
  return { map: energy.map((value) => (value - low) / (high - low)) };
}

export const matchingExtrasCases: CaseRunners = { 'insid3_*': insid3Case, 'semantic_*': semanticDecay, 'gram_*': gramMap };
