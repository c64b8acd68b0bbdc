/** `prosam eval`: accuracy of models and methods on a data set, as the paper measures it. */
import { join } from 'node:path';
import { SIZES, type ComparisonSize, type ContestantResult, type Evaluation } from '../../training/evaluation/result.ts';
import { comparePaired } from '../../training/evaluation/bootstrap.ts';
import { BASELINES, contestantsOf } from '../../training/evaluation/entries.ts';
import { evaluate } from '../../training/evaluation/evaluate.ts';
import { PUBLISHED } from '../../training/evaluation/published.ts';
import {
  classTable,
  pairedTable,
  pixelTables,
  promptTable,
  publishedTable,
  resultTable,
  timeTable,
  trustTable,
  reliabilityTables,
  type NamedComparison,
} from '../../training/evaluation/tables.ts';
import { openDataset } from '../../training/datasets/index.ts';
import type { Dataset } from '../../training/types.ts';
import { engineOptions, predictOptions } from '../common/engine-options.ts';
import { evaluationPage } from './page.ts';
import { createGallery } from './gallery.ts';
import { EVAL } from './spec.ts';
import { reportReadings } from '../common/dataset-readings.ts';
import { createProgress } from '../common/progress.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { createDataNotices } from '../common/data-notices.ts';
import { readingFrom } from '../common/reading-options.ts';
import { readAs } from '../../training/read-as.ts';
import { numberIn, parseCommand, pick, words } from '../common/parse.ts';
import { textTable } from '../common/text-table.ts';
import { refuseTaken, writeOwn } from '../common/write-file.ts';

/** An evaluation replaces the last one in the same folder. */
const EVALUATION = { about: 'evaluation' };
/** Classes printed; the files have all of them. */
const MAX_CLASSES_SHOWN = 24;

/** Resolves to the exit code. */
export async function evalCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(EVAL, args);
  const {
    data,
    model: models,
    method: methods,
    strategy: strategies,
    dense,
    annotation,
    pairs,
    prompts,
    trust,
    others,
    shots,
    testOn,
    compare,
    out,
  } = values;
  const size = sizeOf(values.size);
  const { seed, labelReduction, ...options } = predictOptions({
    ...pick(
      values,
      'maxPoints',
      'samples',
      'distribution',
      'nu',
      'seed',
      'labelReduction',
      'grow',
      'noGrow',
      'minArea',
      'fillHoles',
      'largestOnly',
    ),
  });
  const contestants = contestantsOf({
    models,
    methods: values.external === undefined ? methods : [...new Set([...methods, 'external' as const])],
    strategies,
    dense,
    options,
  });
  const foldsIn = foldsOf(values.fold);
  const [figures, page] = ['evaluation.json', 'evaluation.html'].map((name) => join(out ?? '', name)) as [string, string];
  if (out !== undefined) await refuseTaken([figures, page], EVALUATION); // before hours of work
  const found = createDataNotices();
  const opened = await openDataset(data, { testOn, ...pick(values, 'crowds'), ...(signal && { signal }) });
  const dataset = readAs(opened, readingFrom(values), found.add);
  if (!values.json) reportReadings(dataset, { print, warn });
  const folds = foldsIn(dataset);

  const gallery = out === undefined ? undefined : createGallery(dataset.classes, dataset.reading);
  let progress: ReturnType<typeof createProgress> | undefined;
  const evaluation = await evaluate({
    dataset,
    folds,
    contestants: [...contestants, ...BASELINES],
    annotation,
    size,
    pairs,
    ...(trust && { trust }),
    ...(others !== undefined && { others }),
    shots,
    ...(prompts && { prompts: [...new Set(prompts)] }),
    ...(seed !== undefined && { seed }),
    ...(labelReduction && { labelReduction }),
    ...engineOptions(pick(values, 'device', 'threads', 'precision', 'cache', 'external')),
    ...(signal && { signal }),
    ...(gallery && { onPair: gallery.keep }),
    onProgress: ({ total, what }) => (progress ??= createProgress(total)).advance(what),
  }).finally(() => progress?.clear());
  const comparisons = compare ? compareToFirst(evaluation) : [];

  if (values.json) printLines(evaluation, comparisons, compare, dataset, print);
  else printTables(evaluation, comparisons, compare, print);
  for (const note of [...evaluation.notes, ...untestedIn(dataset, folds), ...found.lines()]) warn(note);
  if (out !== undefined && gallery) {
    const json = {
      ...evaluation,
      ...(dataset.readings && { readings: dataset.readings }),
      ...(compare && { comparisons, published: PUBLISHED }),
    };
    await writeOwn(figures, `${JSON.stringify(json)}\n`, EVALUATION);
    const html = evaluationPage(evaluation, { comparisons, published: compare, images: await gallery.images() });
    await writeOwn(page, html, EVALUATION);
    if (!values.json) print(`look at ${page}`);
  }
  return EXIT.ok;
}

/** Checked before the data are read, so that a typing error costs no time. */
function foldsOf(text: string): (dataset: Dataset) => (number | 'all')[] {
  if (text === 'unsplit') return () => ['all'];
  if (text === 'all') return ({ folds }) => (folds === 0 ? ['all'] : Array.from({ length: folds }, (_, i) => i));
  const folds = words('fold', text).map((word) => numberIn('fold', word, { type: 'whole' }));
  return () => folds;
}

/** Classes that fewer than two images to test on show. */
function untestedIn(dataset: Dataset, folds: readonly (number | 'all')[]): string[] {
  return folds.flatMap((fold) => (dataset.fold(fold).untested ?? []).map((phrase) => `not tested: ${phrase}`));
}

function sizeOf(text: string): ComparisonSize {
  const named = SIZES.find((size) => size === text);
  return named ?? numberIn('size', text, { type: 'whole', min: 1 });
}

function compareToFirst({ contestants, settings }: Evaluation): NamedComparison[] {
  const [first, ...others] = contestants as [ContestantResult, ...ContestantResult[]];
  return others.map((other) => ({
    first: first.contestant.name,
    second: other.contestant.name,
    ...comparePaired(first.episodes, other.episodes, settings.seed),
  }));
}

function printTables(evaluation: Evaluation, comparisons: readonly NamedComparison[], compare: boolean, print: Terminal['print']): void {
  const fewClasses = (evaluation.contestants[0]?.classes.length ?? 0) <= MAX_CLASSES_SHOWN;
  const trust = trustTable(evaluation);
  const tables = [
    resultTable(evaluation),
    ...(evaluation.prompts ? [promptTable(evaluation.prompts)] : []),
    ...(trust ? [trust, ...reliabilityTables(evaluation)] : []),
    ...(fewClasses ? [classTable(evaluation)] : []),
    ...pixelTables(evaluation),
    timeTable(evaluation),
    ...(compare ? [pairedTable(comparisons), publishedTable(evaluation)] : []),
  ];
  print(tables.map(textTable).join('\n\n'));
}

/** Prints everything but the rows of single pairs, which evaluation.json has. */
function printLines(
  { data, settings, contestants, prompts }: Evaluation,
  comparisons: readonly NamedComparison[],
  compare: boolean,
  { readings }: Dataset,
  print: Terminal['print'],
): void {
  for (const { episodes, absentEpisodes, ...figures } of contestants) {
    print(
      JSON.stringify({
        source: 'measured here',
        data: data.name,
        ...(readings && { readings }),
        ...settings,
        pairs: episodes.length,
        ...(absentEpisodes && { absent: absentEpisodes.length }),
        ...figures,
      }),
    );
  }
  for (const { prompt, ...figures } of prompts?.results ?? [])
    print(JSON.stringify({ source: 'measured here', data: data.name, size: settings.size, seed: settings.seed, prompt, ...figures }));
  if (!compare) return;
  for (const comparison of comparisons) print(JSON.stringify({ source: 'measured here', comparison }));
  for (const row of PUBLISHED) print(JSON.stringify(row));
}
