/** An evaluation as tables, for the screen and for the page alike. */
import type { PairedComparison } from './bootstrap.ts';
import { PUBLISHED, type PublishedRow } from './published.ts';
import type { ComparisonSize, ContestantResult, Estimate, Evaluation } from './result.ts';

export interface Table {
  caption: string;
  head: string[];
  rows: string[][];
}

export interface NamedComparison extends PairedComparison {
  first: string;
  second: string;
}

const percent = (value: number): string => value.toFixed(2);
const ofOne = (share: number): string => percent(100 * share);
const signed = (value: number): string => (value > 0 ? '+' : '') + percent(value);
const range = ({ low, high }: Estimate): string => `${percent(low)} to ${percent(high)}`;
const nothing = '-';

/** One row per contestant: the metrics most people look for. */
export function resultTable({ contestants, settings, data }: Evaluation): Table {
  const several = data.folds.length > 1;
  return {
    caption: `${data.name}: references marked by ${settings.annotation}, compared at ${sizeInWords(settings.size)}, seed ${settings.seed}. mIoU and FB-IoU in percent with a 95 % bootstrap interval over the pairs; rank correlation (Spearman, within a fold) of the score and of SAM's own estimate with the IoU reached.`,
    head: [
      'contestant',
      'mIoU',
      '95 % interval',
      'FB-IoU',
      ...(several ? data.folds.map(({ name }) => `fold ${name}`) : []),
      'pairs',
      'rank corr.',
      'of SAM',
      'ms a pair',
    ],
    rows: contestants.map((result) => [
      result.contestant.name,
      percent(result.miou.value),
      range(result.miou),
      percent(result.fbIou),
      ...(several ? result.folds.map(({ miou }) => percent(miou.value)) : []),
      String(result.episodes.length),
      result.rankCorrelation?.toFixed(2) ?? nothing,
      result.samRankCorrelation?.toFixed(2) ?? nothing,
      result.milliseconds.total?.toFixed(0) ?? nothing,
    ]),
  };
}

function sizeInWords(size: ComparisonSize): string {
  if (typeof size === 'number') return `${size} pixels a side`;
  return size === 'network' ? "the network's input size" : "each image's own size";
}

/** SAM's own prompts on single objects. */
export function promptTable({ results }: NonNullable<Evaluation['prompts']>): Table {
  return {
    caption:
      "SAM's own prompts on single objects, the largest connected region of each target's class: mean IoU in percent with a 95 % bootstrap interval over the objects. The first click is in the middle of the object, each later one in the middle of the largest region that is still wrong.",
    head: ['model', 'prompt', 'mean IoU', '95 % interval', 'objects', 'rank corr.'],
    rows: results.map(({ model, prompt, iou, objects, rankCorrelation }) => [
      ...[model, prompt, percent(iou.value), range(iou), String(objects)],
      rankCorrelation?.toFixed(2) ?? nothing,
    ]),
  };
}

/** Trust in score and presence; undefined where nobody asked. */
export function trustTable({ contestants }: Evaluation): Table | undefined {
  const rows = contestants.flatMap(({ contestant, trust }) => (trust ? [{ name: contestant.name, ...trust }] : []));
  const [first] = rows;
  if (first === undefined) return undefined;
  const share = (value: number | undefined): string => value?.toFixed(2) ?? nothing;
  return {
    caption: `Trust: rank correlation (Spearman) and calibration error (ten bins) of the score with the IoU reached, over targets that show the class; "with absent", of score x present, over as many more that do not, whose IoU is 0. AUROC of the probability of presence; at its threshold of ${first.threshold} the share of absent targets that get a mask, and of masks with an IoU above 0.5 that are kept.`,
    head: [
      ...['contestant', 'shown', 'absent', 'rank corr.', 'with absent', 'calibration error', 'with absent'],
      ...['AUROC', 'absent masked', 'good kept'],
    ],
    rows: rows.map((row) => [
      ...[row.name, String(row.shown), String(row.absent), share(row.rank), share(row.rankWithAbsent)],
      ...[share(row.calibrationError), share(row.calibrationErrorWithAbsent)],
      ...[share(row.auroc), share(row.absentMasked), share(row.goodKept)],
    ]),
  };
}

/** Mean score and mean IoU of targets whose scores lie side by side; one table for each contestant that was judged. */
export function reliabilityTables({ contestants }: Evaluation): Table[] {
  return contestants.flatMap(({ contestant, trust }) =>
    trust
      ? [
          {
            caption: `Reliability of ${contestant.name}: targets that show the class by rising score, a tenth each.`,
            head: ['', ...trust.reliability.map((_, i) => String(i + 1))],
            rows: [
              ['mean score', ...trust.reliability.map(({ score }) => score.toFixed(2))],
              ['mean IoU', ...trust.reliability.map(({ iou }) => iou.toFixed(2))],
            ],
          },
        ]
      : [],
  );
}

/** IoU of every class by every contestant. */
export function classTable({ contestants, data }: Evaluation): Table {
  const several = data.folds.length > 1;
  const [first] = contestants as [ContestantResult];
  return {
    caption: 'IoU per class in percent: intersections and unions summed over all pairs of the class.',
    head: [...(several ? ['fold'] : []), 'class', 'pairs', ...contestants.map(({ contestant }) => contestant.name)],
    rows: first.classes.map(({ fold, name, episodes }, i) => [
      ...(several ? [fold] : []),
      name,
      String(episodes),
      ...contestants.map(({ classes }) => percent(classes[i]?.iou ?? 0)),
    ]),
  };
}

/** Pixels, conventional rates, and the shares of all pixels that the paper calls rates: three tables, never one. */
export function pixelTables({ contestants }: Evaluation): [counts: Table, rates: Table, shares: Table] {
  const table = (caption: string, head: string[], cells: (result: ContestantResult) => string[]): Table => ({
    caption,
    head: ['contestant', ...head],
    rows: contestants.map((result) => [result.contestant.name, ...cells(result)]),
  });
  return [
    table('Pixels over all pairs.', ['true positive', 'false positive', 'false negative', 'true negative'], ({ counts }) =>
      [counts.tp, counts.fp, counts.fn, counts.tn].map(String),
    ),
    table(
      'Rates in percent of the pixels that truly are object (TPR, FNR) or background (FPR, TNR).',
      ['TPR', 'FNR', 'FPR', 'TNR'],
      ({ rates }) => [rates.tpr, rates.fnr, rates.fpr, rates.tnr].map(ofOne),
    ),
    table(
      "Shares in percent of all pixels. They add up to 100; these, not rates, are what the paper's table 6 prints.",
      ['TP share', 'FP share', 'FN share', 'TN share'],
      ({ pixelShares: { tp, fp, fn, tn } }) => [tp, fp, fn, tn].map(ofOne),
    ),
  ];
}

const STAGES = ['embed', 'reference', 'check', 'prompt', 'decode', 'resize', 'total'] as const;

export function timeTable({ contestants }: Evaluation): Table {
  return {
    caption: 'Median milliseconds per stage. A stage served from a cache costs next to nothing.',
    head: ['contestant', ...STAGES, 'model', 'device'],
    rows: contestants.flatMap(({ contestant, milliseconds, engines }) =>
      contestant.kind === 'model'
        ? [
            [
              contestant.name,
              ...STAGES.map((stage) => milliseconds[stage]?.toFixed(1) ?? nothing),
              engines.map(({ model }) => model).join(', '),
              [...new Set(engines.map(({ device }) => device))].join(', '),
            ],
          ]
        : [],
    ),
  };
}

export function pairedTable(comparisons: readonly NamedComparison[]): Table {
  return {
    caption: 'Differences in mIoU over the very same pairs, in percentage points; "ahead" is the share of resamples in which it is ahead.',
    head: ['contestant', 'against', 'difference', '95 % interval', 'ahead', 'pairs won', 'tied', 'lost'],
    rows: comparisons.map(({ first, second, difference, ahead, wins, ties, losses }) => [
      first,
      second,
      signed(difference.value),
      range(difference),
      `${(100 * ahead).toFixed(0)} %`,
      String(wins),
      String(ties),
      String(losses),
    ]),
  };
}

const FOLDS = ['0', '1', '2', '3'] as const;

/** Measured rows above the paper's printed ones; every row names its source and data. */
export function publishedTable({ contestants, data, settings }: Evaluation): Table {
  const measured = contestants.map(({ contestant, engines, folds, miou }) => [
    'measured here',
    nothing,
    data.name,
    contestant.name,
    settings.annotation,
    engines.map(({ model }) => model).join(', ') || nothing,
    ...FOLDS.map((name) => folds.find(({ fold }) => fold === name)).map((fold) => (fold ? percent(fold.miou.value) : nothing)),
    percent(miou.value),
  ]);
  return {
    caption: `Published rows are printed as in the paper; their authors measured them with full-size models on COCO-20i and PASCAL-5i. Rows measured here are on ${data.name}. Rows on different data or models do not rank against each other.`,
    head: ['source', 'table', 'data', 'method', 'annotation', 'encoder or model', 'F-0', 'F-1', 'F-2', 'F-3', 'mean'],
    rows: [...measured, ...PUBLISHED.map(publishedCells)],
  };
}

function publishedCells({ source, table, data, method, annotation, imageEncoder, inDomain, folds, mean }: PublishedRow): string[] {
  // Tables of one decimal stay at one: more digits would claim more than was printed.
  const decimals = [mean, ...(folds ?? [])].every((value) => Number.isInteger(Math.round(1000 * value) / 100)) ? 1 : 2;
  const printed = (value: number): string => value.toFixed(decimals);
  return [
    source,
    String(table),
    data,
    method + (inDomain ? ' (trained on the same classes)' : ''),
    annotation,
    imageEncoder ?? nothing,
    ...FOLDS.map((_, i) => (folds ? printed(folds[i] as number) : nothing)),
    printed(mean),
  ];
}
