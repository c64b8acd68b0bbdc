/** From the rows of one contestant to its metrics. */
import { groupedBy } from '../../core/common/grouped.ts';
import { confusionRates, type Confusion } from '../../core/mask/metrics.ts';
import type { EngineInfo, StageTimes } from '../../core/engine/types.ts';
import type { DatasetClass } from '../types.ts';
import { bootstrapMiou, quantile } from './bootstrap.ts';
import type { Contestant } from './entries.ts';
import { DEFAULT_THRESHOLD } from '../../core/engine/defaults.ts';
import { trustOf, type JudgedRow } from './trust.ts';
import { rankWithinFolds } from './rank-correlation.ts';
import type { ClassResult, ContestantResult, EpisodeRow, FoldResult } from './result.ts';

export interface SummaryParts {
  contestant: Contestant;
  engines: readonly Pick<EngineInfo, 'model' | 'device'>[];
  /** At least one. */
  rows: EpisodeRow[];
  /** Rows of targets that do not show the class. */
  absent?: EpisodeRow[];
  classes: readonly DatasetClass[];
  seed: number;
}

export function summarize({ contestant, engines, rows, absent, classes, seed }: SummaryParts): ContestantResult {
  const names = new Map(classes.map(({ id, name }) => [id, name]));
  const byFold = [...groupedBy(rows, ({ fold }) => fold)];
  const counts = total(rows);
  const { tpr, tnr, fpr, fnr, tpShare, tnShare, fpShare, fnShare } = confusionRates(counts);
  const folds = byFold.map(([fold, own]): FoldResult => ({ fold, miou: bootstrapMiou(own, seed), fbIou: fbIou(total(own)) }));
  const rankCorrelation = calibration(rows, ({ uncertainty }) => (uncertainty === undefined ? undefined : 1 - uncertainty));
  const samRankCorrelation = calibration(rows, ({ samIou }) => samIou);
  return {
    contestant,
    engines,
    miou: bootstrapMiou(rows, seed),
    fbIou: folds.reduce((sum, fold) => sum + fold.fbIou, 0) / folds.length,
    folds,
    classes: byFold.flatMap(([fold, own]) => classResults(fold, own, names)),
    counts,
    rates: { tpr, tnr, fpr, fnr },
    pixelShares: { tp: tpShare, tn: tnShare, fp: fpShare, fn: fnShare },
    milliseconds: medianTimes(rows),
    ...(rankCorrelation !== undefined && { rankCorrelation }),
    ...(samRankCorrelation !== undefined && { samRankCorrelation }),
    unmarked: rows.filter(({ unmarked }) => unmarked).length,
    episodes: rows,
    ...(absent &&
      contestant.kind === 'model' && { trust: trustOf(judged(rows), judged(absent), DEFAULT_THRESHOLD), absentEpisodes: absent }),
  };
}

function total(rows: readonly EpisodeRow[]): Confusion {
  const sum = { tp: 0, tn: 0, fp: 0, fn: 0 };
  for (const { counts } of rows) for (const key of ['tp', 'tn', 'fp', 'fn'] as const) sum[key] += counts[key];
  return sum;
}

/** Percent; an empty union counts 0, as in the public code. */
function foregroundIou({ tp, fp, fn }: Confusion): number {
  return (100 * tp) / Math.max(tp + fp + fn, 1);
}

/** Percent. */
function fbIou(counts: Confusion): number {
  const background = (100 * counts.tn) / Math.max(counts.tn + counts.fp + counts.fn, 1);
  return (background + foregroundIou(counts)) / 2;
}

function classResults(fold: string, rows: readonly EpisodeRow[], names: ReadonlyMap<number, string>): ClassResult[] {
  return [...groupedBy(rows, ({ classId }) => classId)]
    .sort(([a], [b]) => a - b)
    .map(([id, own]) => ({ fold, id, name: names.get(id) ?? `class ${id}`, iou: foregroundIou(total(own)), episodes: own.length }));
}

function medianTimes(rows: readonly EpisodeRow[]): StageTimes {
  const stages = new Set(rows.flatMap(({ milliseconds }) => Object.keys(milliseconds) as (keyof StageTimes)[]));
  const median = (stage: keyof StageTimes): number =>
    quantile(Float64Array.from(rows, ({ milliseconds }) => milliseconds[stage] ?? 0).sort(), 0.5);
  return Object.fromEntries([...stages].map((stage) => [stage, median(stage)]));
}

function calibration(rows: readonly EpisodeRow[], expectedOf: (row: EpisodeRow) => number | undefined): number | undefined {
  return rankWithinFolds(
    rows.flatMap((row) => {
      const expected = expectedOf(row);
      return expected === undefined ? [] : [{ fold: row.fold, expected, iou: row.iou }];
    }),
  );
}

/** Rows about which something was said. */
function judged(rows: readonly EpisodeRow[]): JudgedRow[] {
  return rows.flatMap(({ iou, uncertainty, present }) =>
    uncertainty === undefined || present === undefined ? [] : [{ iou, score: 1 - uncertainty, present }],
  );
}
