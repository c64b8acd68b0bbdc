/** `prosam study`: the paper's studies, each by one command that goes on where it was ended. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDataset } from '../training/datasets/index.ts';
import { loadTrainingEngine, TRAINING_ENGINES } from '../training/tfjs/engine.ts';
import { runStudy } from '../training/study/run-study.ts';
import type { StudyOptions } from '../training/study/study-options.ts';
import { studyPage } from '../training/study/study-page.ts';
import { STUDIES } from '../training/study/study-result.ts';
import { VARIANT_NAMES } from '../training/study/variants.ts';
import { ANNOTATION_MODES } from '../training/types.ts';
import { engineOptions, predictOptions } from './engine-options.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { textTable } from './text-table.ts';
import { choice, EXIT, number, UsageError, wholeNumber, words } from './usage.ts';
import { refuseTaken, writeOwn } from './write-file.ts';

export const STUDY_HELP = `prosam study: the paper's studies, trained and measured here

  prosam study NAME --data DIR|FILE --out DIR [options]

Studies:
  distributions    what prompts are drawn from in training, and how large the noise is (tables 4 and 7)
  strategies       the mean prompt against five merges of K samples (table 8)
  backbones        several --model folders with different backbones (tables 5 and 9)
  annotations      masks, scribbles, boxes, points: one encoder trained for each (table 1)
  domain-shift     trained on --data, tested on classes of --test-data it has not seen (table 3)
  prompt-region    prompts learned directly for one image: many single ones, one distribution (section 5.3)
  flatness         curvature of the loss at the prompts, and masks under growing noise (section 7)

Data and models:
  --data DIR|FILE       as for prosam eval
  --test-data DIR|FILE  domain-shift: data to test on
  --model M[,M]         built-in model or model folder whose frozen parts are used (default: tiny); several for backbones.
                        Encoders start from random weights: a ready one may know the classes it is tested on
  --trained M[,M]       strategies, annotations, domain-shift, flatness: study these trained models and train nothing;
                        {fold} in a path stands for the fold's name
  --fold F[,F]          0, 1, ...; all: every fold (default); unsplit: every class
  --annotation KIND     how references are marked: ${ANNOTATION_MODES.join(', ')} (default: mask)
  --label-reduction R   nearest, any, area or area:0.25: how marks become feature cells (default: the model's)
  --pairs N             test pairs a fold (default: 1000; flatness 100); prompt-region: images (default: 1)

Training:
  --seeds N[,N]         a run for each (default: 321)
  --variants V[,V]      of ${VARIANT_NAMES.slice(0, 4).join(', ')},
                        ${VARIANT_NAMES.slice(4).join(', ')} (default: the study's choice)
  --steps N             one cosine over N steps (default: 100 epochs with restarts every 15, as in the paper)
  --batch B, --samples K, --lr RATE
                        default: 2, 10, 1e-4, as in the paper; prompt-region: --lr 1
  --engine ENGINE       auto, ${TRAINING_ENGINES.join(', ')} (default: auto)
  --runs DIR            the trained runs (default: runs/ in --out); studies that share DIR share their runs

prompt-region: --starts N (default: 200), --start-std S (default: 25), --search-steps N (default: 3000 at most)
flatness: --probes N random directions a pair (default: 8)

Output and machine:
  --out DIR             one folder a study: writes study.json and study.html; what is done already (cells/, runs/) is kept
  --json                one JSON line with the result on stdout
  --device DEVICE, --threads N, --cache DIR
                        as for prosam segment; the cache is features/ in --out by default

Examples:
  prosam study distributions --data scenes --steps 1500 --batch 8 --lr 5e-4 --seeds 321,322,323 --pairs 200 --out distributions
  prosam study flatness --data scenes --steps 1500 --batch 8 --lr 5e-4 --out flatness --runs distributions/runs
  prosam study prompt-region --data scenes --pairs 3 --starts 50 --out region
`;

/** -> exit code */
export async function studyCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals } = parse(args);
  const [word, ...more] = positionals;
  if (word === undefined || more.length > 0)
    throw new UsageError(`expected one study of ${STUDIES.join(', ')}, got ${positionals.join(' ') || 'none'}.`);
  const study = choice('study', word, STUDIES);
  if (values.data === undefined) throw new UsageError('expected --data DIR or FILE with annotated images, got none.');
  if (values.out === undefined) throw new UsageError('expected --out DIR for the results.');
  if (study === 'domain-shift' && values['test-data'] === undefined)
    throw new UsageError('domain-shift wants --test-data DIR or FILE, got none.');
  const chosen = optionsOf(values);
  const folds = foldsOf(values.fold ?? 'all');
  const engineName = choice('engine', values.engine ?? 'auto', ['auto', ...TRAINING_ENGINES]);
  const [figures, page] = ['study.json', 'study.html'].map((name) => join(values.out as string, name)) as [string, string];
  // A folder with cells is a study's from before its files were marked.
  const own = { about: `study ${study}`, adopt: existsSync(join(values.out, 'cells')) };
  await refuseTaken([figures, page], own);
  const dataset = await openDataset(values.data, signal && { signal });
  const testDataset = values['test-data'] === undefined ? undefined : await openDataset(values['test-data'], signal && { signal });

  const line = progressLine();
  const result = await runStudy(study, {
    ...chosen,
    dataset,
    ...(testDataset && { testDataset }),
    ...(folds && { folds }),
    out: values.out,
    engine: () => loadTrainingEngine(engineName),
    ...(signal && { signal }),
    onProgress: line.show,
    onNote: (text) => {
      line.clear();
      warn(text);
    },
  }).finally(line.clear);
  await writeOwn(figures, `${JSON.stringify(result)}\n`, own);
  await writeOwn(page, studyPage(result), own);
  if (values.json) {
    print(JSON.stringify(result));
  } else {
    const tables = result.parts.flatMap((part) => part.tables.map((table) => `${part.heading}\n${textTable(table)}`));
    print([...tables, ...result.notes].join('\n\n'));
    print(`look at ${page}`);
  }
  return EXIT.ok;
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ data: text, 'test-data': text, model: text, trained: text, fold: text, annotation: text, 'label-reduction': text, pairs: text },
      ...{ seeds: text, variants: text, steps: text, batch: text, samples: text, lr: text, engine: text, runs: text },
      ...{ starts: text, 'start-std': text, 'search-steps': text, probes: text },
      ...{ out: text, device: text, threads: text, cache: text },
      json: { type: 'boolean' },
    },
  });
}

type Values = ReturnType<typeof parse>['values'];

function optionsOf(values: Values): Partial<StudyOptions> {
  const options: Partial<StudyOptions> = {};
  for (const key of ['pairs', 'steps', 'batch', 'samples', 'starts', 'probes'] as const) {
    const text = values[key];
    if (text !== undefined) options[key] = wholeNumber(key, text);
  }
  if (values['search-steps'] !== undefined) options.searchSteps = wholeNumber('search-steps', values['search-steps']);
  if (values['start-std'] !== undefined) options.startDeviation = number('start-std', values['start-std']);
  if (values.lr !== undefined) options.lr = number('lr', values.lr);
  if (values.model !== undefined) options.models = words('model', values.model);
  if (values.trained !== undefined) options.trained = words('trained', values.trained);
  if (values.seeds !== undefined) options.seeds = words('seeds', values.seeds).map((word) => wholeNumber('seeds', word));
  if (values.variants !== undefined)
    options.variants = words('variants', values.variants).map((word) => choice('variants', word, VARIANT_NAMES));
  if (values.annotation !== undefined) options.annotation = choice('annotation', values.annotation, ANNOTATION_MODES);
  if (values.runs !== undefined) options.runs = values.runs;
  const { device, threads, cache, 'label-reduction': reduction } = values;
  const { labelReduction } = predictOptions({ ...(reduction !== undefined && { 'label-reduction': reduction }) });
  const { device: on, cacheDir } = engineOptions({ ...(device !== undefined && { device }), ...(cache !== undefined && { cache }) });
  return {
    ...options,
    ...(on && { device: on }),
    ...(cacheDir !== undefined && { cacheDir }),
    ...(threads !== undefined && { threads: wholeNumber('threads', threads) }),
    ...(labelReduction && { labelReduction }),
  };
}

/** undefined: every fold the data have. */
function foldsOf(text: string): (number | 'all')[] | undefined {
  if (text === 'all') return undefined;
  if (text === 'unsplit') return ['all'];
  return words('fold', text).map((word) => wholeNumber('fold', word));
}

/** A line that begins anew with every other work. */
function progressLine(): { show: NonNullable<StudyOptions['onProgress']>; clear: () => void } {
  let now: { what: string; last: number; line: Progress } | undefined;
  return {
    show({ what, done, total }) {
      const kind = what.replace(/\d+ of/, '');
      if (now?.what !== kind) now = { what: kind, last: done - 1, line: createProgress(total, process.stderr, done - 1) };
      for (; now.last < done; now.last++) now.line.advance(what);
    },
    clear: () => now?.line.clear(),
  };
}
