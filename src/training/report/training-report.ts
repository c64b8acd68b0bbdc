/** The page of a training run: how loss, quality, spread and step size went, and what that looks like on the same images. */
import { lineChart, type LineSeries } from './line-chart.ts';
import { figure, figureRow, page, imageTag, section, shortNumber, table } from './page.ts';
import type { Point } from './thin.ts';

/** One step of the optimiser. Not finite where there is nothing to say (sigma of a deterministic encoder). */
export interface StepRow {
  /** From 1, over the whole run. */
  step: number;
  epoch: number;
  /** bce + dice, and half of coarse. */
  loss: number;
  bce: number;
  dice: number;
  /** Loss of the coarse mask, which counts half, where the encoder has one. */
  coarse?: number;
  /** Distance from the starting encoder's answers, where those are kept. */
  keep?: number;
  /** Mean cosine between the prompts of an image: 1 where they are all one. */
  muCosine?: number;
  /** Over all prompts and their coordinates. */
  sigmaMean: number;
  sigmaMin?: number;
  sigmaMax?: number;
  lr: number;
  imagesPerSecond: number;
}

export interface ValidationRow {
  step: number;
  epoch: number;
  /** Percent. */
  miou: number;
  /** Percent. */
  fbIou: number;
}

/** One validation pair, as it was predicted after several epochs. */
export interface PairImages {
  title: string;
  /** iou: 0..1 */
  rounds: readonly { epoch: number; png: Uint8Array; iou: number }[];
}

export interface TrainingReportParts {
  settings: Readonly<Record<string, string | number>>;
  steps: readonly StepRow[];
  validations: readonly ValidationRow[];
  images: readonly PairImages[];
  /** State of the run, in words. */
  status?: string;
}

/** Number of rounds above which some are left out. */
const MAX_ROUNDS = 8;
/** A smoothed line averages this share of all steps. */
const SMOOTHING = 1 / 50;

/** -> HTML, complete in itself. Any part may be empty: the report of a run that has just begun is a report too. */
export function trainingReport({ settings, steps, validations, images, status }: TrainingReportParts): string {
  const has = (key: 'muCosine' | 'keep'): boolean => steps.some((row) => Number.isFinite(row[key]));
  return page({
    title: 'prosam train',
    ...(status !== undefined && { intro: status }),
    sections: [
      section('Summary', summaryTable(steps, validations)),
      section('Loss', lossChart(steps)),
      section('Quality', qualityChart(validations)),
      ...(steps.some(({ sigmaMean }) => Number.isFinite(sigmaMean)) ? [section('Spread of the prompts', sigmaChart(steps))] : []),
      ...(has('muCosine') ? [section('Likeness of the prompts', cosineChart(steps))] : []),
      ...(has('keep') ? [section('Distance from the start', keepChart(steps))] : []),
      section('Learning rate', rateChart(steps)),
      ...(images.length > 0 ? [section('The same pairs as they improve', ...images.map(pairRow))] : []),
      section(
        'Settings',
        table({ head: ['setting', 'value'], rows: Object.entries(settings).map(([name, value]) => [name, String(value)]) }),
      ),
    ],
  });
}

function summaryTable(steps: readonly StepRow[], validations: readonly ValidationRow[]): string {
  const last = steps.at(-1);
  const best = validations.reduce<ValidationRow | undefined>(
    (top, row) => (top === undefined || row.miou > top.miou ? row : top),
    undefined,
  );
  const rows: [string, string | number][] = [['steps', last?.step ?? 0]];
  if (last !== undefined) {
    const recent = smoothed(steps.map(({ step, loss }) => [step, loss])).at(-1)?.[1] ?? NaN;
    rows.push(['epoch', shortNumber(last.epoch)], ['loss of late', shortNumber(recent)]);
    if (last.muCosine !== undefined) rows.push(['mean cosine between prompts', shortNumber(last.muCosine)]);
    const speed = median(steps.map(({ imagesPerSecond }) => imagesPerSecond));
    if (speed !== undefined) rows.push(['images per second (median)', shortNumber(speed)]);
  }
  const words = ({ miou, fbIou, epoch, step }: ValidationRow): string =>
    `mIoU ${miou.toFixed(2)} %, FB-IoU ${fbIou.toFixed(2)} % (epoch ${shortNumber(epoch)}, step ${step})`;
  const latest = validations.at(-1);
  if (best !== undefined && latest !== undefined) rows.push(['best validation', words(best)], ['last validation', words(latest)]);
  return table({ head: ['', ''], rows });
}

function lossChart(steps: readonly StepRow[]): string {
  const withCoarse = steps.some(({ coarse }) => coarse !== undefined);
  const series = (['loss', 'bce', 'dice', ...(withCoarse ? ['coarse' as const] : [])] as const).flatMap((key): LineSeries[] => {
    const points = steps.map((row): Point => [row.step, row[key] ?? NaN]);
    const name = { loss: 'total', bce: 'BCE', dice: 'Dice', coarse: 'coarse mask' }[key];
    return [{ name, points: smoothed(points) }, ...(key === 'loss' ? [{ name, points, faint: true }] : [])];
  });
  return figure(
    lineChart({ title: 'Loss per step', x: 'step', y: 'loss', series }),
    `Each line is the mean of the latest ${windowOf(steps.length)} steps; the pale line is the total of every single step.`,
  );
}

function qualityChart(validations: readonly ValidationRow[]): string {
  const series = [
    { name: 'mIoU', points: validations.map(({ step, miou }): Point => [step, miou]) },
    { name: 'FB-IoU', points: validations.map(({ step, fbIou }): Point => [step, fbIou]) },
  ];
  const caption = 'On validation pairs, with the mean prompt. Averaged over classes (mIoU), and over foreground and background (FB-IoU).';
  return figure(lineChart({ title: 'Validation', x: 'step', y: 'percent', series }), caption);
}

function sigmaChart(steps: readonly StepRow[]): string {
  const of = (name: string, value: (row: StepRow) => number | undefined): LineSeries => ({
    name,
    points: steps.map((row): Point => [row.step, value(row) ?? NaN]),
  });
  const all = [of('mean', (row) => row.sigmaMean), of('smallest', (row) => row.sigmaMin), of('largest', (row) => row.sigmaMax)];
  const series = all.filter(({ points }) => points.some(([, value]) => Number.isFinite(value)));
  const values = series.flatMap(({ points }) => points.map(([, value]) => value)).filter((value) => value > 0 && Number.isFinite(value));
  const logY = values.reduce((a, b) => Math.max(a, b), 0) > 20 * values.reduce((a, b) => Math.min(a, b), Infinity);
  return figure(
    lineChart({ title: 'Sigma per step', x: 'step', y: logY ? 'sigma (logarithmic)' : 'sigma', series, logY }),
    'The scale of the prompt distribution, over all prompts and coordinates. Nothing in the loss keeps it from shrinking towards zero.',
  );
}

function cosineChart(steps: readonly StepRow[]): string {
  const points = steps.map(({ step, muCosine }): Point => [step, muCosine ?? NaN]);
  return figure(
    lineChart({ title: 'Mean cosine between prompts', x: 'step', y: 'cosine', series: [{ name: 'rows of mu', points }] }),
    'Between the prompts (rows of mu) of an image, averaged over the batch. At 1 they are one vector.',
  );
}

function keepChart(steps: readonly StepRow[]): string {
  const points = steps.map(({ step, keep }): Point => [step, keep ?? NaN]);
  return figure(
    lineChart({ title: 'Distance from the first answers', x: 'step', y: 'distance', series: [{ name: 'rehearsed pairs', points }] }),
    "Squared distance of mu from the starting encoder's, as a share of its square, and of the coarse mask's logits, on objects at random points.",
  );
}

function rateChart(steps: readonly StepRow[]): string {
  const series = [{ name: 'learning rate', points: steps.map(({ step, lr }): Point => [step, lr]) }];
  return figure(
    lineChart({ title: 'Learning rate per step', x: 'step', y: 'learning rate', series }),
    'What the schedule gave at each step.',
  );
}

function pairRow({ title, rounds }: PairImages): string {
  const figures = shownRounds(rounds).map(({ epoch, png, iou }) =>
    figure(imageTag(png, `${title} after epoch ${shortNumber(epoch)}`), `${title}, epoch ${shortNumber(epoch)}: IoU ${iou.toFixed(2)}`),
  );
  return figureRow(figures);
}

/** The rounds that a report shows of many, at even distances, both ends among them: only these need their images. */
export function shownRounds<T>(rounds: readonly T[]): T[] {
  if (rounds.length <= MAX_ROUNDS) return [...rounds];
  return Array.from({ length: MAX_ROUNDS }, (_, i) => rounds[Math.round((i * (rounds.length - 1)) / (MAX_ROUNDS - 1))] as T);
}

function windowOf(count: number): number {
  return Math.max(1, Math.round(count * SMOOTHING));
}

/** Mean of the latest finite values; a point that is not finite keeps its gap. */
function smoothed(points: readonly Point[]): Point[] {
  const window = windowOf(points.length);
  const finite = points.map(([, y]) => y).filter(Number.isFinite);
  let [sum, taken] = [0, 0];
  return points.map(([x, y]) => {
    if (!Number.isFinite(y)) return [x, NaN];
    sum += y - (finite[taken++ - window] ?? 0);
    return [x, sum / Math.min(taken, window)];
  });
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
