/** `prosam eval`: how good models and methods are on a data set, as the paper measures it. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SIZES, type ContestantResult, type Evaluation } from '../../training/evaluation/result.ts';
import { comparePaired } from '../../training/evaluation/bootstrap.ts';
import { BASELINES, contestantsOf } from '../../training/evaluation/entries.ts';
import { evaluate } from '../../training/evaluation/evaluate.ts';
import { PUBLISHED } from '../../training/evaluation/published.ts';
import {
  classTable,
  pairedTable,
  pixelTables,
  publishedTable,
  resultTable,
  timeTable,
  type NamedComparison,
} from '../../training/evaluation/tables.ts';
import { openDataset } from '../../training/datasets/index.ts';
import { ANNOTATION_MODES, type Dataset } from '../../training/types.ts';
import { METHODS } from '../../core/engine/types.ts';
import { STRATEGIES } from '../../core/engine/strategy.ts';
import { ENGINE_OPTIONS, engineOptions, predictOptions } from '../common/engine-options.ts';
import { evaluationPage } from './page.ts';
import { createGallery } from './gallery.ts';
import { createProgress } from '../common/progress.ts';
import type { Terminal } from '../common/terminal.ts';
import { textTable } from '../common/text-table.ts';
import { choice, EXIT, UsageError, wholeNumber, words } from '../common/usage.ts';
import { refuseTaken, writeOwn } from '../common/write-file.ts';

export const EVAL_HELP = `prosam eval: measure models and methods on annotated images

  prosam eval --data DIR|FILE [options]

Every contestant answers the same pairs of reference and target with the same marks, next to two trivial answers: the
reference's mask copied unchanged, and everything foreground.

  --data DIR|FILE       PASCAL-5i, COCO-20i, a folder with images/, masks/ and classes.json, or a suite file
  --fold F[,F]          0, 1, ... the classes of that fold; all: every fold (default)
                        unsplit: every class, on images held back from training
  --pairs N             pairs a fold (default: 1000)
  --annotation KIND     how references are marked: ${ANNOTATION_MODES.join(', ')} (default: mask)
  --size SIZE           network: all compared at the network's input size, as in the paper (default)
                        own: at each target's own size
  --model M[,M]         built-in models or model folders (default: tiny); {fold} in a path stands for the fold's name,
                        so that every fold is answered by the model trained for it
  --method M[,M]        ${METHODS.join(', ')}, auto (default: prosam)
  --strategy S[,S]      of prosam: ${STRATEGIES.join(', ')} (default: mean_prompt)
  --compare             paired differences to the first contestant, and the paper's published rows next to ours
  --out DIR             writes evaluation.json (every pair) and evaluation.html (with the best, median and worst pairs),
                        over those of another evaluation and nothing else
  --json                one JSON line a contestant on stdout

  --device DEVICE, --threads N, --precision P, --cache DIR, --samples K, --distribution D, --nu N, --label-reduction R, --grow, --no-grow
                        as for prosam segment; --label-reduction nearest is what the paper's code does to marks
  --seed N              draws pairs, marks, samples and intervals (default: 321)

mIoU: per class, intersections summed over all pairs divided by unions summed, averaged over the classes of each fold,
then over folds. The interval draws the pairs again within each class, 1000 times.

Examples:
  prosam eval --data photos --fold all --pairs 200 --method prosam,persam,nearest
  prosam eval --data photos --model runs/first/model,runs/second/model --compare --out results
`;

/** Another evaluation in the same folder takes the place of the last. */
const EVALUATION = { about: 'evaluation' };
/** Classes shown on the screen; more are in the files. */
const MOST_CLASSES_SHOWN = 24;

/** -> exit code */
export async function evalCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parse(args);
  if (values.data === undefined) throw new UsageError('expected --data DIR or FILE with annotated images, got none.');
  const { model, method, strategy, ...shared } = values;
  const { seed, labelReduction, ...options } = predictOptions(shared);
  const { device, threads, precision, cacheDir } = engineOptions(shared);
  const contestants = contestantsOf({
    models: words('model', model ?? 'tiny'),
    methods: words('method', method ?? 'prosam').map((word) => choice('method', word, [...METHODS, 'auto'])),
    strategies: words('strategy', strategy ?? 'mean_prompt').map((word) => choice('strategy', word, STRATEGIES)),
    options,
  });
  const annotation = choice('annotation', values.annotation ?? 'mask', ANNOTATION_MODES);
  const size = choice('size', values.size ?? 'network', SIZES);
  const pairs = wholeNumber('pairs', values.pairs ?? '1000');
  const foldsIn = foldsOf(values.fold ?? 'all');
  const [figures, page] = ['evaluation.json', 'evaluation.html'].map((name) => join(values.out ?? '', name)) as [string, string];
  if (values.out !== undefined) await refuseTaken([figures, page], EVALUATION); // before hours of work
  const dataset = await openDataset(values.data, signal && { signal });
  const folds = foldsIn(dataset);

  const gallery = values.out === undefined ? undefined : createGallery(dataset.classes);
  let progress: ReturnType<typeof createProgress> | undefined;
  const evaluation = await evaluate({
    dataset,
    folds,
    contestants: [...contestants, ...BASELINES],
    annotation,
    size,
    pairs,
    ...(seed !== undefined && { seed }),
    ...(labelReduction && { labelReduction }),
    ...(device && { device }),
    ...(threads !== undefined && { threads }),
    ...(precision && { precision }),
    ...(cacheDir !== undefined && { cacheDir }),
    ...(signal && { signal }),
    ...(gallery && { onPair: gallery.keep }),
    onProgress: ({ total, what }) => (progress ??= createProgress(total)).advance(what),
  }).finally(() => progress?.clear());
  const comparisons = values.compare ? compareToFirst(evaluation) : [];

  if (values.json) printLines(evaluation, comparisons, values.compare === true, print);
  else printTables(evaluation, comparisons, values.compare === true, print);
  for (const note of evaluation.notes) warn(note);
  if (values.out !== undefined && gallery) {
    const json = { ...evaluation, ...(values.compare && { comparisons, published: PUBLISHED }) };
    await writeOwn(figures, `${JSON.stringify(json)}\n`, EVALUATION);
    const html = evaluationPage(evaluation, { comparisons, published: values.compare === true, pictures: await gallery.pictures() });
    await writeOwn(page, html, EVALUATION);
    if (!values.json) print(`look at ${page}`);
  }
  return EXIT.ok;
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      ...ENGINE_OPTIONS,
      data: { type: 'string' },
      fold: { type: 'string' },
      pairs: { type: 'string' },
      annotation: { type: 'string' },
      size: { type: 'string' },
      compare: { type: 'boolean' },
      out: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
}

/** Read before the data are, so that a slip of the pen costs no time. */
function foldsOf(text: string): (dataset: Dataset) => (number | 'all')[] {
  if (text === 'unsplit') return () => ['all'];
  if (text === 'all') return ({ folds }) => (folds === 0 ? ['all'] : Array.from({ length: folds }, (_, i) => i));
  const folds = words('fold', text).map((word) => wholeNumber('fold', word));
  return () => folds;
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
  const fewClasses = (evaluation.contestants[0]?.classes.length ?? 0) <= MOST_CLASSES_SHOWN;
  const tables = [
    resultTable(evaluation),
    ...(fewClasses ? [classTable(evaluation)] : []),
    ...pixelTables(evaluation),
    timeTable(evaluation),
    ...(compare ? [pairedTable(comparisons), publishedTable(evaluation)] : []),
  ];
  print(tables.map(textTable).join('\n\n'));
}

/** Without the rows of single pairs, which evaluation.json has. */
function printLines(
  { data, settings, contestants }: Evaluation,
  comparisons: readonly NamedComparison[],
  compare: boolean,
  print: Terminal['print'],
): void {
  for (const { episodes, ...figures } of contestants) {
    print(JSON.stringify({ source: 'measured here', data: data.name, ...settings, pairs: episodes.length, ...figures }));
  }
  if (!compare) return;
  for (const comparison of comparisons) print(JSON.stringify({ source: 'measured here', comparison }));
  for (const row of PUBLISHED) print(JSON.stringify(row));
}
