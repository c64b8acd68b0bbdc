/** Trust in the score and the probability of presence: both held against what came of them, absent targets included. */
import { spearman } from './rank-correlation.ts';

/** A row of a target, with what was said of it. */
export interface JudgedRow {
  /** IoU reached, 0..1 */
  iou: number;
  score: number;
  present: number;
}

/** Rows whose scores lie side by side. */
export interface ReliabilityBin {
  rows: number;
  /** Mean score, 0..1 */
  score: number;
  /** Mean IoU, 0..1 */
  iou: number;
}

export interface TrustResult {
  /** Targets that show the concept, and those that do not. */
  shown: number;
  absent: number;
  /** Spearman's rank correlation of score and IoU over all targets that show the concept, and the mean within folds. */
  rank?: number;
  /** The same of score x present with absent targets, whose IoU is 0. */
  rankWithAbsent?: number;
  /** Expected calibration error, 0..1: mean distance from the IoU over ten bins of equally many targets; of the score where the concept is shown, of score x present over all. */
  calibrationError: number;
  calibrationErrorWithAbsent: number;
  /** Probability that a target which shows the concept has a higher `present` than one that does not. */
  auroc?: number;
  /** `present` from which a mask is given. */
  threshold: number;
  /** Share of absent targets that get a mask. */
  absentMasked?: number;
  /** Share kept of masks with an IoU above one half. */
  goodKept?: number;
  /** Targets that show the concept, by rising score. */
  reliability: ReliabilityBin[];
}

const BINS = 10;
/** IoU from which a mask is worth keeping. */
const GOOD = 0.5;

/** shown, absent: rows of targets with and without the concept; the IoU of an absent target's mask counts as 0. */
export function trustOf(shown: readonly JudgedRow[], absentRows: readonly JudgedRow[], threshold: number): TrustResult {
  const absent = absentRows.map((row) => ({ ...row, iou: 0 }));
  const all = [...shown, ...absent].map((row) => ({ ...row, score: row.score * row.present }));
  const good = shown.filter(({ iou }) => iou > GOOD);
  const rank = rankOf(shown);
  const rankWithAbsent = rankOf(all);
  const auroc = aurocOf(shown, absent);
  const kept = (rows: readonly JudgedRow[]): number => rows.filter(({ present }) => present >= threshold).length / rows.length;
  return {
    ...{ shown: shown.length, absent: absent.length, threshold },
    ...(rank !== undefined && { rank }),
    ...(rankWithAbsent !== undefined && absent.length > 0 && { rankWithAbsent }),
    calibrationError: calibrationError(binsOf(shown)),
    calibrationErrorWithAbsent: calibrationError(binsOf(all)),
    ...(auroc !== undefined && { auroc }),
    ...(absent.length > 0 && { absentMasked: kept(absent) }),
    ...(good.length > 0 && { goodKept: kept(good) }),
    reliability: binsOf(shown),
  };
}

function rankOf(rows: readonly JudgedRow[]): number | undefined {
  return spearman(
    rows.map(({ score }) => score),
    rows.map(({ iou }) => iou),
  );
}

/** Equal values count one half. */
function aurocOf(shown: readonly JudgedRow[], absent: readonly JudgedRow[]): number | undefined {
  if (shown.length === 0 || absent.length === 0) return undefined;
  let ahead = 0;
  for (const { present } of shown) for (const other of absent) ahead += present > other.present ? 1 : present === other.present ? 0.5 : 0;
  return ahead / (shown.length * absent.length);
}

/** By rising score, equally many each. */
function binsOf(rows: readonly JudgedRow[]): ReliabilityBin[] {
  const sorted = [...rows].sort((a, b) => a.score - b.score);
  const bins: ReliabilityBin[] = [];
  for (let i = 0; i < BINS; i++) {
    const own = sorted.slice(Math.floor((i * sorted.length) / BINS), Math.floor(((i + 1) * sorted.length) / BINS));
    if (own.length === 0) continue;
    const mean = (value: (row: JudgedRow) => number): number => own.reduce((sum, row) => sum + value(row), 0) / own.length;
    bins.push({ rows: own.length, score: mean(({ score }) => score), iou: mean(({ iou }) => iou) });
  }
  return bins;
}

function calibrationError(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, { rows }) => sum + rows, 0);
  return bins.reduce((sum, { rows, score, iou }) => sum + rows * Math.abs(score - iou), 0) / Math.max(1, total);
}
