/**
 * mIoU over several trained runs of one kind. The interval says how far it could be off because of the pairs that happened to
 * be drawn: pairs are drawn again within each class of each fold, the same ones for every run that answered them, because a
 * hard pair is hard for all. What another training seed would have given is another question, answered by the deviation.
 */
import { ProsamError } from '../../core/common/errors.ts';
import { seededRandom } from '../../core/common/random.ts';
import { quantile, RESAMPLES } from '../evaluation/bootstrap.ts';
import type { EpisodeRow, Estimate } from '../evaluation/result.ts';

/** Answers to one fold's pairs by the runs of every seed. [seed][pair] */
export type SeedRows = readonly (readonly EpisodeRow[])[];
/** Required part of a row. */
type Row = Pick<EpisodeRow, 'classId' | 'counts'>;

export interface SeedEstimate extends Estimate {
  /** mIoU of each seed, percent: mean over folds. */
  each: number[];
  /** Standard deviation over the seeds; absent for one. */
  deviation?: number;
}

const TAIL = 0.025;

/** Percent: IoU per class from summed counts, averaged over classes. rows: indices of one class each */
function meanIou(rows: readonly Row[], classes: readonly (readonly number[])[]): number {
  let sum = 0;
  for (const drawn of classes) {
    let [shared, union] = [0, 0];
    for (const i of drawn) {
      const { tp, fp, fn } = (rows[i] as Row).counts;
      shared += tp;
      union += tp + fp + fn;
    }
    sum += shared / Math.max(union, 1);
  }
  return (100 * sum) / Math.max(classes.length, 1);
}

/** Indices of each class's pairs. */
function classesOf(rows: readonly Row[]): number[][] {
  const byClass = new Map<number, number[]>();
  rows.forEach(({ classId }, i) => byClass.set(classId, [...(byClass.get(classId) ?? []), i]));
  return [...byClass.values()];
}

/** Redraws each fold's pairs and measures; the same seed redraws the same pairs for every contestant. */
function resampled(
  folds: readonly SeedRows[],
  seed: number,
  measure: (drawn: readonly number[][][]) => number,
  resamples: number,
): Estimate {
  const classes = folds.map((runs) => classesOf(runs[0] as readonly Row[]));
  const random = seededRandom(seed);
  const samples = Float64Array.from({ length: resamples }, () =>
    measure(classes.map((own) => own.map((rows) => rows.map(() => rows[Math.floor(random() * rows.length)] as number)))),
  ).sort();
  return { value: measure(classes), low: quantile(samples, TAIL), high: quantile(samples, 1 - TAIL) };
}

/** mIoU of every seed: mean over folds. drawn: [fold][class][pair] */
function perSeed(folds: readonly SeedRows[], drawn: readonly number[][][]): number[] {
  const seeds = (folds[0] as SeedRows).length;
  return Array.from({ length: seeds }, (_, s) => mean(folds.map((runs, f) => meanIou(runs[s] as readonly Row[], drawn[f] as number[][]))));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** folds: at least one, each with as many runs. One seed gives one interval. Percent. */
export function estimateMiou(folds: readonly SeedRows[], seed: number, resamples = RESAMPLES): SeedEstimate {
  checkSameLength(folds);
  const each = perSeed(
    folds,
    folds.map((runs) => classesOf(runs[0] as readonly Row[])),
  );
  const estimate = resampled(folds, seed, (drawn) => mean(perSeed(folds, drawn)), resamples);
  const deviation = Math.sqrt(each.reduce((sum, value) => sum + (value - mean(each)) ** 2, 0) / (each.length - 1));
  return { ...estimate, each, ...(each.length > 1 && { deviation }) };
}

/**
 * mIoU of the first minus mIoU of the second over the very same pairs, percentage points.
 * @throws OPTION_INVALID where they are not answers to the same pairs
 */
export function compareMiou(first: readonly SeedRows[], second: readonly SeedRows[], seed: number, resamples = RESAMPLES): Estimate {
  checkSameLength(first);
  checkSameLength(second);
  const classesIn = (folds: readonly SeedRows[]): string => JSON.stringify(folds.map((runs) => runs[0]?.map(({ classId }) => classId)));
  if (classesIn(first) !== classesIn(second))
    throw new ProsamError('OPTION_INVALID', 'expected answers to the same pairs, got answers to others. Measure both together.');
  return resampled(first, seed, (drawn) => mean(perSeed(first, drawn)) - mean(perSeed(second, drawn)), resamples);
}

function checkSameLength(folds: readonly SeedRows[]): void {
  const lengths = new Set(folds.map((runs) => runs.length));
  const pairs = folds.every((runs) => runs.every((rows) => rows.length === runs[0]?.length && rows.length > 0));
  if (lengths.size !== 1 || lengths.has(0) || !pairs)
    throw new ProsamError('OPTION_INVALID', 'expected answers of as many runs to as many pairs in every fold. Measure the missing ones.');
}
