/**
 * Confidence intervals of mean IoU: pairs are drawn again with replacement within each class of each fold (Efron's percentile
 * bootstrap), from counts alone.
 */
import { ProsamError } from '../../core/common/errors.ts';
import { seededRandom, type Random } from '../../core/common/random.ts';
import type { EpisodeRow, Estimate } from './result.ts';

export const RESAMPLES = 1000;
const TAIL = 0.025;

/** Pairs of one class of one fold. */
interface Stratum {
  fold: string;
  /** Indices into the rows. */
  rows: number[];
}

function strataOf(rows: readonly EpisodeRow[]): Stratum[] {
  const strata = new Map<string, Stratum>();
  rows.forEach(({ fold, classId }, i) => {
    const key = `${fold}\n${classId}`;
    const known = strata.get(key);
    if (known) known.rows.push(i);
    else strata.set(key, { fold, rows: [i] });
  });
  return [...strata.values()];
}

/** Foreground intersection and union of every row. */
interface Overlaps {
  intersection: Float64Array;
  union: Float64Array;
}

function overlapsOf(rows: readonly EpisodeRow[]): Overlaps {
  return {
    intersection: Float64Array.from(rows, ({ counts }) => counts.tp),
    union: Float64Array.from(rows, ({ counts }) => counts.tp + counts.fp + counts.fn),
  };
}

/** Percent: IoU per class from summed counts, averaged within each fold, then over folds. */
function meanIou(strata: readonly Stratum[], drawn: readonly (readonly number[])[], { intersection, union }: Overlaps): number {
  const folds = new Map<string, { sum: number; classes: number }>();
  strata.forEach(({ fold }, s) => {
    let [shared, all] = [0, 0];
    for (const i of drawn[s] as readonly number[]) {
      shared += intersection[i] as number;
      all += union[i] as number;
    }
    const known = folds.get(fold) ?? { sum: 0, classes: 0 };
    folds.set(fold, { sum: known.sum + shared / Math.max(all, 1), classes: known.classes + 1 });
  });
  const means = [...folds.values()].map(({ sum, classes }) => sum / classes);
  return means.length === 0 ? 0 : (100 * means.reduce((sum, value) => sum + value, 0)) / means.length;
}

function redraw(strata: readonly Stratum[], random: Random): number[][] {
  return strata.map(({ rows }) => rows.map(() => rows[Math.floor(random() * rows.length)] as number));
}

/** Linear between neighbouring values. sorted: at least one value; share 0..1. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const [a, b] = [sorted[low] as number, sorted[Math.min(low + 1, sorted.length - 1)] as number];
  return a + (at - low) * (b - a);
}

function interval(value: number, samples: Float64Array): Estimate {
  const sorted = samples.toSorted();
  return { value, low: quantile(sorted, TAIL), high: quantile(sorted, 1 - TAIL) };
}

/** mIoU of the rows, percent: mean over the classes of each fold, then over folds. The same seed gives the same interval. */
export function bootstrapMiou(rows: readonly EpisodeRow[], seed: number, resamples = RESAMPLES): Estimate {
  const [strata, overlaps, random] = [strataOf(rows), overlapsOf(rows), seededRandom(seed)];
  const samples = Float64Array.from({ length: resamples }, () => meanIou(strata, redraw(strata, random), overlaps));
  return interval(
    meanIou(
      strata,
      strata.map(({ rows: own }) => own),
      overlaps,
    ),
    samples,
  );
}

/** Mean of the values, which are drawn again as one group. values: at least one. */
export function bootstrapMean(values: readonly number[], seed: number, resamples = RESAMPLES): Estimate {
  const random = seededRandom(seed);
  const mean = (pick: (i: number) => number): number => values.reduce((sum, _, i) => sum + (values[pick(i)] as number), 0) / values.length;
  const samples = Float64Array.from({ length: resamples }, () => mean(() => Math.floor(random() * values.length)));
  return interval(
    mean((i) => i),
    samples,
  );
}

export interface PairedComparison {
  /** mIoU of the first minus mIoU of the second, percentage points. */
  difference: Estimate;
  /** Share of the resamples in which the first is ahead, ties half, 0..1. */
  ahead: number;
  /** Pairs on which the first has the larger IoU, the same, the smaller. */
  wins: number;
  ties: number;
  losses: number;
}

/**
 * Difference in mIoU over the very same pairs; drawing the same pairs again for both leaves out what hard and easy pairs add
 * to both.
 * @throws OPTION_INVALID where the rows are not answers to the same pairs in the same order
 */
export function comparePaired(
  first: readonly EpisodeRow[],
  second: readonly EpisodeRow[],
  seed: number,
  resamples = RESAMPLES,
): PairedComparison {
  checkSamePairs(first, second);
  const [strata, a, b, random] = [strataOf(first), overlapsOf(first), overlapsOf(second), seededRandom(seed)];
  const differenceOf = (drawn: readonly (readonly number[])[]): number => meanIou(strata, drawn, a) - meanIou(strata, drawn, b);
  const samples = Float64Array.from({ length: resamples }, () => differenceOf(redraw(strata, random)));
  const ahead = samples.reduce((sum, value) => sum + (value > 0 ? 1 : value === 0 ? 0.5 : 0), 0) / resamples;
  const gaps = first.map(({ iou }, i) => iou - (second[i] as EpisodeRow).iou);
  return {
    difference: interval(differenceOf(strata.map(({ rows }) => rows)), samples),
    ahead,
    wins: gaps.filter((gap) => gap > 0).length,
    ties: gaps.filter((gap) => gap === 0).length,
    losses: gaps.filter((gap) => gap < 0).length,
  };
}

function checkSamePairs(first: readonly EpisodeRow[], second: readonly EpisodeRow[]): void {
  const pairOf = (row: EpisodeRow | undefined): string =>
    row === undefined ? 'nothing' : `fold ${row.fold}, class ${row.classId}, ${row.reference} to ${row.target}`;
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (pairOf(first[i]) === pairOf(second[i])) continue;
    throw new ProsamError(
      'OPTION_INVALID',
      `expected answers to the same pairs, but number ${i + 1} is ${pairOf(first[i])} and ${pairOf(second[i])}. Evaluate both together.`,
    );
  }
}
