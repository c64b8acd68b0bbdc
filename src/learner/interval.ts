/** Confidence interval of what a candidate gains, over images: the pairs of one image are drawn together, because they are not independent. */
import { seededRandom, uniformInt } from '../core/common/random.ts';
import { quantile } from '../training/evaluation/bootstrap.ts';
import { groupedBy } from '../core/common/grouped.ts';

/** One label in one held-out image: score with the candidate less score without it, -1 to 1. */
export interface Gain {
  label: string;
  image: string;
  gain: number;
}

export interface Interval {
  /** Mean over labels of the mean gain of their pairs. */
  mean: number;
  /** Ends of the 95 % interval. */
  low: number;
  high: number;
  /** Images that were drawn from. */
  images: number;
}

const RESAMPLES = 4000;
/** One for all gates: the same pairs give the same interval. */
const SEED = 1;

/**
 * 95 % interval by the expanded percentile bootstrap (Hesterberg, What Teachers Should Know about the Bootstrap, 2015, section 4.2): images
 * are drawn again with replacement, and the quantiles that are taken lie further out the fewer images there are, as those of Student's t do.
 * Of two images and fewer nothing can be said: the interval is everything, -1 to 1.
 */
export function gainInterval(gains: readonly Gain[], resamples = RESAMPLES, seed = SEED): Interval {
  const images = [...groupedBy(gains, ({ image }) => image).values()];
  const mean = meanGain(images);
  if (images.length < 3 || !Number.isFinite(mean)) return { mean, low: -1, high: 1, images: images.length };
  const random = seededRandom(seed);
  const means = Float64Array.from({ length: resamples }, () =>
    meanGain(images.map(() => images[uniformInt(random, 0, images.length - 1)] as Gain[])),
  ).sort();
  const tail = expandedTail(images.length);
  return { mean, low: quantile(means, tail), high: quantile(means, 1 - tail), images: images.length };
}

/** Labels that a draw does not show take no part in it. */
function meanGain(drawn: readonly (readonly Gain[])[]): number {
  const byLabel = new Map<string, { sum: number; count: number }>();
  for (const pairs of drawn) {
    for (const { label, gain } of pairs) {
      const { sum, count } = byLabel.get(label) ?? { sum: 0, count: 0 };
      byLabel.set(label, { sum: sum + gain, count: count + 1 });
    }
  }
  let total = 0;
  for (const { sum, count } of byLabel.values()) total += sum / count;
  return total / byLabel.size;
}

/** Share of draws below the lower end: Phi(-sqrt(n / (n - 1)) t), t = the 97.5 % quantile of Student's t with n - 1 degrees of freedom. */
export function expandedTail(count: number): number {
  return normalBelow(-Math.sqrt(count / (count - 1)) * studentQuantile(count - 1));
}

/** 97.5 % quantiles of Student's t with 1 to 10 degrees of freedom (any table has them). */
const STUDENT = [12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139];
const NORMAL = 1.959964;

/** Beyond the table Cornish and Fisher's expansion, to 1e-5 (Abramowitz and Stegun, 26.7.5). */
function studentQuantile(freedom: number): number {
  const x = NORMAL;
  return (
    STUDENT[freedom - 1] ??
    x +
      (x ** 3 + x) / (4 * freedom) +
      (5 * x ** 5 + 16 * x ** 3 + 3 * x) / (96 * freedom ** 2) +
      (3 * x ** 7 + 19 * x ** 5 + 17 * x ** 3 - 15 * x) / (384 * freedom ** 3)
  );
}

/** Standard normal distribution function below zero, to 1e-7 (Abramowitz and Stegun, 26.2.17). */
function normalBelow(x: number): number {
  const t = 1 / (1 - 0.2316419 * x);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
