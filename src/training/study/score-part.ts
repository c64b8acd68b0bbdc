/** mIoU of several contestants over folds and seeds: the table, the chart and the differences that most studies end in. */
import { DEFAULT_SEED } from '../step/seeds.ts';
import type { Estimate } from '../evaluation/result.ts';
import { compareMiou, estimateMiou, type SeedEstimate, type SeedRows } from './seed-statistics.ts';
import type { StudyPart } from './study-result.ts';

export interface Scored {
  name: string;
  /** By fold, in the order of the fold names. [fold][seed][pair] */
  folds: readonly SeedRows[];
  /** More columns of the table. */
  more?: Readonly<Record<string, string>>;
}

export interface ScoreMetrics {
  name: string;
  miou: SeedEstimate;
  folds: { fold: string; miou: SeedEstimate }[];
  /** Minus the first contestant, percentage points; absent for the first. */
  difference?: Estimate;
}

export interface ScorePartOptions {
  heading: string;
  caption: string;
  foldNames: readonly string[];
  /** Rows of the paper, in the table's columns. */
  published?: readonly string[][];
}

export const percent = (value: number): string => value.toFixed(2);
const signed = (value: number): string => (value > 0 ? '+' : '') + percent(value);
const range = ({ low, high }: Estimate): string => `${percent(low)} to ${percent(high)}`;

export function scoreMetrics(scored: readonly Scored[], foldNames: readonly string[]): ScoreMetrics[] {
  const [first] = scored;
  return scored.map(({ name, folds }, i) => ({
    name,
    miou: estimateMiou(folds, DEFAULT_SEED),
    folds: folds.map((runs, f) => ({ fold: foldNames[f] as string, miou: estimateMiou([runs], DEFAULT_SEED) })),
    ...(i > 0 && first && { difference: compareMiou(folds, first.folds, DEFAULT_SEED) }),
  }));
}

export function scorePart(scored: readonly Scored[], metrics: readonly ScoreMetrics[], options: ScorePartOptions): StudyPart {
  const { heading, caption, foldNames, published = [] } = options;
  const several = foldNames.length > 1;
  const extra = [...new Set(scored.flatMap(({ more = {} }) => Object.keys(more)))];
  const head = ['contestant', 'mIoU', '95 % interval', 'over seeds', ...(several ? foldNames.map((fold) => `fold ${fold}`) : []), ...extra];
  const rows = metrics.map(({ name, miou, folds }, i) => [
    name,
    percent(miou.value),
    range(miou),
    miou.deviation === undefined ? '-' : `± ${percent(miou.deviation)}`,
    ...(several ? folds.map((fold) => `${percent(fold.miou.value)} (${range(fold.miou)})`) : []),
    ...extra.map((key) => scored[i]?.more?.[key] ?? '-'),
  ]);
  const versus = metrics.filter(({ difference }) => difference !== undefined) as (ScoreMetrics & { difference: Estimate })[];
  const [first] = metrics as [ScoreMetrics];
  return {
    heading,
    tables: [
      { caption: `Measured here. ${caption} ${SEED_NOTE}`, head, rows },
      ...(versus.length === 0
        ? []
        : [
            {
              caption: `Measured here. mIoU minus that of ${first.name} over the very same pairs, percentage points.`,
              head: ['contestant', 'difference', '95 % interval'],
              rows: versus.map(({ name, difference }) => [name, signed(difference.value), range(difference)]),
            },
          ]),
      ...(published.length === 0 ? [] : [publishedRows(published)]),
    ],
    charts: [
      {
        kind: 'interval',
        caption: 'Points: mean over folds and seeds. Lines: 95 % interval over the pairs drawn, not over training seeds.',
        parts: { title: heading, x: 'mIoU, percent', rows: metrics.map(({ name, miou }) => ({ name, ...miou })) },
      },
    ],
  };
}

const SEED_NOTE =
  'mIoU in percent, mean over folds and seeds; the interval draws the pairs again within each class; "over seeds" is the standard deviation between training seeds.';

/** The paper's rows. rows: table, data, method, F-0 to F-3, mean */
export function publishedRows(rows: readonly string[][]) {
  return {
    caption:
      'Published: printed in the paper, measured by its authors with full-size models on other data. Not comparable with rows measured here.',
    head: ['table', 'data', 'method', 'F-0', 'F-1', 'F-2', 'F-3', 'mean'],
    rows: rows.map((row) => [...row]),
  };
}
