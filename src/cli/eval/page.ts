/** Page of an evaluation: metrics, charts and images in one self-contained file. */
import { boxChart, intervalChart, scatterChart } from '../../training/report/charts.ts';
import { figure, page, imageTag, section, table } from '../../training/report/page.ts';
import type { ContestantResult, Evaluation, PromptResult } from '../../training/evaluation/result.ts';
import {
  classTable,
  pairedTable,
  pixelTables,
  promptTable,
  publishedTable,
  resultTable,
  timeTable,
  reliabilityTables,
  trustTable,
  type NamedComparison,
  type Table,
} from '../../training/evaluation/tables.ts';
import type { GalleryImage } from './gallery.ts';

export interface PageParts {
  comparisons: readonly NamedComparison[];
  /** Whether to print the paper's rows. */
  published: boolean;
  images: readonly GalleryImage[];
}

const LEGEND =
  'From left to right: the reference with its annotation (yellow), the target with the predicted mask (blue), and the true mask (pink).';

/** Returns HTML. */
export function evaluationPage(evaluation: Evaluation, { comparisons, published, images }: PageParts): string {
  const { contestants, data, settings, prompts, notes } = evaluation;
  const [first] = contestants as [ContestantResult];
  const folds = data.folds.map(({ name, pairs }) => `${name} (${pairs} pairs)`).join(', ');
  const scatter = scatterOf(first);
  const trust = trustTable(evaluation);
  return page({
    title: `prosam eval: ${data.name}`,
    intro: [
      `Folds ${folds}; references marked by ${settings.annotation}; seed ${settings.seed}. All metrics were measured here.`,
      ...notes,
    ].join(' '),
    sections: [
      section('Result', tableHtml(resultTable(evaluation)), miouChart(contestants)),
      ...(prompts === undefined ? [] : [section("SAM's own prompts", tableHtml(promptTable(prompts)), promptChart(prompts.results))]),
      ...(comparisons.length > 0 ? [section('Paired differences', tableHtml(pairedTable(comparisons)), differenceChart(comparisons))] : []),
      section('Spread over pairs', iouBoxes(contestants)),
      ...(trust === undefined
        ? []
        : [
            section(
              'Can it be trusted?',
              tableHtml(trust),
              ...reliabilityTables(evaluation).map(tableHtml),
              ...contestants.flatMap((one) => reliabilityOf(one) ?? []),
            ),
          ]),
      ...(scatter === undefined ? [] : [section('Does it know when it fails?', scatter)]),
      section(
        `Best, median and worst pairs of ${first.contestant.name}`,
        ...images.map(({ png, caption }) => figure(imageTag(png, caption), `${caption}. ${LEGEND}`)),
      ),
      section('Classes', tableHtml(classTable(evaluation))),
      section('Pixels', ...pixelTables(evaluation).map(tableHtml)),
      section('Time', tableHtml(timeTable(evaluation))),
      ...(published ? [section('Published and measured', table(publishedTable(evaluation)))] : []),
    ],
  });
}

/** Converts numbers, which the page aligns, and leaves missing ones empty. */
function tableHtml({ caption, head, rows }: Table): string {
  const cell = (text: string): string | number => (text === '-' ? '' : /^[-+]?\d+(\.\d+)?$/.test(text) ? Number(text) : text);
  return table({ caption, head, rows: rows.map((row) => row.map(cell)) });
}

function miouChart(contestants: readonly ContestantResult[]): string {
  const rows = contestants.map(({ contestant, miou: { value, low, high } }) => ({ name: contestant.name, value, low, high }));
  return figure(intervalChart({ title: 'mIoU', x: 'percent', rows }), 'mIoU with its 95 % interval.');
}

function promptChart(results: readonly PromptResult[]): string {
  const several = new Set(results.map(({ model }) => model)).size > 1;
  const rows = results.map(({ model, prompt, iou: { value, low, high } }) => ({
    name: several ? `${model}: ${prompt}` : prompt,
    ...{ value, low, high },
  }));
  return figure(intervalChart({ title: 'Mean IoU of single objects', x: 'percent', rows }), 'Mean IoU with its 95 % interval.');
}

function differenceChart(comparisons: readonly NamedComparison[]): string {
  const rows = comparisons.map(({ second, difference: { value, low, high } }) => ({ name: `against ${second}`, value, low, high }));
  const caption = 'Above zero: the first contestant is ahead. An interval across zero means these pairs cannot tell the two apart.';
  return figure(intervalChart({ title: 'Difference in mIoU', x: 'percentage points', rows }), caption);
}

function iouBoxes(contestants: readonly ContestantResult[]): string {
  const groups = contestants.map(({ contestant, episodes }) => ({ name: contestant.name, values: episodes.map(({ iou }) => iou) }));
  return figure(boxChart({ title: 'IoU of single pairs', y: 'IoU', groups }), 'IoU of every single pair.');
}

function scatterOf({ contestant, episodes, rankCorrelation }: ContestantResult): string | undefined {
  if (rankCorrelation === undefined) return undefined;
  const points = episodes.flatMap(({ uncertainty, iou }): [number, number][] =>
    uncertainty === undefined ? [] : [[1 - uncertainty, iou]],
  );
  const chart = scatterChart({ title: contestant.name, x: 'score (1 - uncertainty)', y: 'IoU', series: [{ name: 'pairs', points }] });
  return figure(chart, `Score against IoU; Spearman's rank correlation within a fold ${rankCorrelation.toFixed(2)} (1 would be perfect).`);
}

/** Reliability diagram: mean IoU over mean score, which should be equal. */
function reliabilityOf({ contestant, trust }: ContestantResult): string | undefined {
  if (trust === undefined) return undefined;
  const points = trust.reliability.map(({ score, iou }): [number, number] => [score, iou]);
  const ideal: [number, number][] = [
    [0, 0],
    [1, 1],
  ];
  const series = [
    { name: 'targets by rising score, a tenth each', points },
    { name: 'what should be', points: ideal },
  ];
  return figure(
    scatterChart({ title: contestant.name, x: 'mean score', y: 'mean IoU', series }),
    'Below the diagonal from 0 to 1 it promises too much, above it too little. Targets that show the class.',
  );
}
