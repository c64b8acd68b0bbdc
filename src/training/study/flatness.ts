/** Does ProSAM sit in flatter ground than VRP-SAM (paper, sections 7.1 to 7.3)? The Laplacian of the loss, and masks under noise. */
import { seededRandom } from '../../core/common/random.ts';
import { quantile, RESAMPLES } from '../evaluation/bootstrap.ts';
import type { Estimate } from '../evaluation/result.ts';
import type { Table } from '../evaluation/tables.ts';
import { DEFAULT_SEED } from '../step/seeds.ts';
import { contendersOf } from './entries.ts';
import { ABSOLUTE_NOISE, flatnessCell, RELATIVE_NOISE, RELATIVE_STEP, type FlatnessRow } from './flatness-measure.ts';
import { average } from './noise-measure.ts';
import type { Study } from './study-context.ts';
import type { StudyChart } from './study-result.ts';

interface Contender {
  title: string;
  /** Rows of all folds and seeds, in the same order for every entry. */
  rows: FlatnessRow[];
}

export const flatness: Study = async (context) => {
  const { settings } = context;
  const contenders: Contender[] = [];
  for (const { title, on } of contendersOf(context, settings.variants ?? ['student_t', 'deterministic'])) {
    const rows: FlatnessRow[] = [];
    for (const fold of settings.folds) {
      for (const { folder, name } of await on(fold)) rows.push(...(await flatnessCell(context, `${name} flatness`, folder, fold)));
    }
    contenders.push({ title, rows });
  }
  return {
    parts: [
      {
        heading: 'Curvature of the loss',
        tables: [curvatureTable(contenders), ...pairedTables(contenders)],
        charts: [curvatureChart(contenders)],
      },
      { heading: 'Masks under growing noise', tables: noiseTables(contenders), charts: noiseCharts(contenders) },
    ],
    notes: [
      `The Laplacian is a sum over all coordinates of all prompts. Encoders whose prompts are larger stand on a wider ground: relative values (times the squared size) are what can be compared. ${convergence(contenders)}`,
    ],
    figures: contenders.map(({ title, rows }) => ({ title, pairs: rows })),
  };
};

/** Median with its 95 % interval over the pairs drawn. */
function median(values: readonly number[]): Estimate {
  const random = seededRandom(DEFAULT_SEED);
  const of = (drawn: ArrayLike<number>): number => quantile(Float64Array.from(drawn).sort(), 0.5);
  const samples = Float64Array.from({ length: RESAMPLES }, () =>
    of(values.map(() => values[Math.floor(random() * values.length)] as number)),
  ).sort();
  return { value: of(values), low: quantile(samples, 0.025), high: quantile(samples, 0.975) };
}

const relative = ({ laplacian, size }: FlatnessRow): number => laplacian * size ** 2;
const short = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '-');
const range = ({ low, high }: Estimate): string => `${short(low)} to ${short(high)}`;

function curvatureTable(contenders: readonly Contender[]): Table {
  return {
    caption:
      'Measured here. Medians over pairs at the mean prompt. Laplacian: trace of the Hessian of BCE + Dice along the prompts ' +
      "(Hutchinson's estimator); relative: times the squared root mean square of the prompt. Error: standard error of a pair's trace.",
    head: [
      'encoder',
      'pairs',
      'loss',
      'Laplacian',
      '95 % interval',
      'error',
      'relative',
      '95 % interval',
      'gradient',
      'prompt size',
      'below 0',
    ],
    rows: contenders.map(({ title, rows }) => {
      const [own, scaled] = [median(rows.map(({ laplacian }) => laplacian)), median(rows.map(relative))];
      const of = (key: 'loss' | 'laplacianError' | 'slope' | 'size'): string => short(median(rows.map((row) => row[key])).value);
      const below = (100 * rows.filter(({ laplacian }) => laplacian < 0).length) / rows.length;
      return [
        ...[title, String(rows.length), of('loss'), short(own.value), range(own), of('laplacianError'), short(scaled.value), range(scaled)],
        ...[of('slope'), of('size'), `${below.toFixed(0)} %`],
      ];
    }),
  };
}

/** Paired comparison of flatness on the very same pairs. */
function pairedTables(contenders: readonly Contender[]): Table[] {
  const [first, ...others] = contenders as [Contender, ...Contender[]];
  const comparable = others.filter(({ rows }) => rows.length === first.rows.length);
  if (comparable.length === 0) return [];
  const share = (rows: readonly FlatnessRow[], value: (row: FlatnessRow) => number): string =>
    `${((100 * rows.filter((row, i) => value(first.rows[i] as FlatnessRow) < value(row)).length) / rows.length).toFixed(0)} %`;
  return [
    {
      caption: `Measured here. Share of the pairs on which ${first.title} is flatter.`,
      head: ['against', 'Laplacian', 'relative Laplacian', 'gradient'],
      rows: comparable.map(({ title, rows }) => [
        title,
        share(rows, ({ laplacian }) => laplacian),
        share(rows, relative),
        share(rows, ({ slope }) => slope),
      ]),
    },
  ];
}

function curvatureChart(contenders: readonly Contender[]): StudyChart {
  return {
    kind: 'box',
    caption: 'Over pairs. Lower is flatter.',
    parts: {
      title: 'Relative Laplacian of the loss at the mean prompt',
      y: 'Laplacian x squared prompt size',
      groups: contenders.map(({ title, rows }) => ({ name: title, values: rows.map(relative) })),
    },
  };
}

/** Mean over pairs for each size of noise. */
function curve(rows: readonly FlatnessRow[], key: 'relative' | 'absolute' | 'relativeAgreement' | 'absoluteAgreement'): number[] {
  return (rows[0]?.[key] ?? []).map((_, level) => average(rows.map((row) => row[key][level] as number)));
}

function noiseTables(contenders: readonly Contender[]): Table[] {
  const table = (what: string, levels: readonly number[], key: 'relative' | 'absolute' | 'relativeAgreement'): Table => ({
    caption: `Measured here. ${what}, mean over pairs; columns are standard deviations of the noise${key === 'absolute' ? '' : ' in units of the prompt’s own root mean square'}.`,
    head: ['encoder', ...levels.map(String)],
    rows: contenders.map(({ title, rows }) => [title, ...curve(rows, key).map((value) => value.toFixed(3))]),
  });
  return [
    table('IoU with the truth', RELATIVE_NOISE, 'relative'),
    table('IoU with the undisturbed mask', RELATIVE_NOISE, 'relativeAgreement'),
    table('IoU with the truth', ABSOLUTE_NOISE, 'absolute'),
  ];
}

function noiseCharts(contenders: readonly Contender[]): StudyChart[] {
  const chart = (title: string, x: string, y: string, levels: readonly number[], key: Parameters<typeof curve>[1]): StudyChart => ({
    kind: 'line',
    caption: 'Mean over pairs, folds, seeds and draws.',
    parts: {
      title,
      x,
      y,
      series: contenders.map(({ title: name, rows }) => ({
        name,
        points: curve(rows, key).map((value, i) => [levels[i] as number, value]),
      })),
    },
  });
  const units = 'standard deviation of the noise / size of the prompt';
  return [
    chart('Masks under noise', units, 'IoU with the truth', RELATIVE_NOISE, 'relative'),
    chart('Masks that stay the same under noise', units, 'IoU with the undisturbed mask', RELATIVE_NOISE, 'relativeAgreement'),
    chart('Masks under noise of one size for all', 'standard deviation of the noise', 'IoU with the truth', ABSOLUTE_NOISE, 'absolute'),
  ];
}

/** Sensitivity to twice the step of the finite differences. */
function convergence(contenders: readonly Contender[]): string {
  const rows = contenders.flatMap((contender) => contender.rows);
  const off = rows.map(({ laplacian, laplacianAtTwiceTheStep: far }) => Math.abs(far - laplacian) / Math.max(Math.abs(laplacian), 1e-12));
  return `Finite differences step ${RELATIVE_STEP} of the prompt's size; twice the step changes a pair's Laplacian by ${(100 * median(off).value).toFixed(1)} % (median).`;
}
