/** `prosam train`: learns a prompt encoder from annotated images. */
import { join, resolve } from 'node:path';
import { loadTrainingEngine } from '../../training/tfjs/engine.ts';
import { checkedOptions, type TrainOptions } from '../../training/train-options.ts';
import { train, type EndEvent, type StartEvent } from '../../training/loop/trainer.ts';
import type { Dataset } from '../../training/types.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { predictOptions } from '../common/engine-options.ts';
import { createDataNotices } from '../common/data-notices.ts';
import { readingFrom } from '../common/reading-options.ts';
import { readAs } from '../../training/read-as.ts';
import { numberIn, parseCommand, pick } from '../common/parse.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import type { Values } from '../common/spec.ts';
import { humanPrinter, jsonPrinter } from './event-printer.ts';
import { reportReadings } from '../common/dataset-readings.ts';
import { createRunReport } from './report.ts';
import { TRAIN } from './spec.ts';
import { openWeighted } from './weighted-data.ts';

/** Resolves to the exit code. */
export async function trainCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(TRAIN, args);
  const { data, out, json } = values;
  const folder = resolve(out);
  const options = optionsOf(values, folder);
  const { epochs } = checkedOptions(options);
  const foldIn = foldOf(values.fold);

  let reading: Progress | undefined;
  const onProgress = (done: number, total: number, what: string): void => {
    if (done === 1) reading = createProgress(total);
    reading?.advance(what);
  };
  const reads = { onProgress, ...pick(values, 'crowds'), ...(signal && { signal }) };
  const found = createDataNotices();
  const opened = await openWeighted(data, reads).finally(() => reading?.clear());
  const dataset = readAs(opened, readingFrom(values), found.add);
  reportReadings(dataset, { print, warn }, json);
  const fold = foldIn(dataset);
  dataset.fold(fold).trainingEpisodes(0, 0); // reports faults of the data before anything is loaded or written
  const report = createRunReport(folder, dataset.classes, dataset.reading);
  await report.check();
  const engine = await loadTrainingEngine(values.engine);

  const whole: TrainOptions = { ...options, dataset, fold, engine, ...(signal && { signal }) };
  const printer = json ? jsonPrinter({ print }) : humanPrinter({ print }, epochs);
  let end: EndEvent | undefined;
  try {
    for await (const event of train(whole)) {
      if (event.type === 'start' && !json) introduce(event, dataset, fold, print);
      if (event.type === 'start') event.notes.forEach((note) => warn(note));
      printer.show(event);
      await report.add(event);
      if (event.type === 'end') end = event;
    }
  } finally {
    printer.clear();
  }
  for (const line of found.lines()) warn(line);
  if (end?.reason === 'interrupted') {
    warn(`interrupted after step ${end.step}; go on with: prosam train ${resumed(args)}`);
    return EXIT.interrupted;
  }
  if (!json && end) print(closing(end, out));
  return EXIT.ok;
}

type RunOptions = Omit<TrainOptions, 'dataset' | 'engine' | 'fold'>;

function optionsOf(values: Values<typeof TRAIN.options>, out: string): RunOptions {
  const { fromScratch, warmStart, cache, steps, pairs, flip, jitter, crops, resume } = values;
  if (fromScratch && warmStart !== undefined) throw new UsageError('--from-scratch and --warm-start exclude each other: choose one.');
  const { labelReduction } = predictOptions(pick(values, 'labelReduction'));
  return {
    ...{ out, resume },
    ...pick(values, 'model', 'device', 'threads', 'annotation', 'epochs', 'validateEvery', 'patience', 'checkpointEvery'),
    ...pick(values, 'distribution', 'nu', 'samples', 'batch', 'lr', 'schedule', 'restartEpochs', 'weightDecay', 'dropout', 'seed'),
    ...pick(values, 'clipNorm', 'averageDecay', 'keep', 'absent', 'marks'),
    ...(fromScratch ? { start: 'scratch' } : warmStart !== undefined && { start: resolve(warmStart) }),
    ...(labelReduction && { labelReduction }),
    ...(cache !== undefined && { cacheDir: cache }),
    ...(steps !== undefined && { maxSteps: steps }),
    ...(pairs !== undefined && { validationPairs: pairs }),
    ...((flip || jitter !== undefined || crops !== undefined) && {
      augmentation: { flip, jitter: jitter ?? 0, ...(crops !== undefined && { crops }) },
    }),
  };
}

/** Checked before the data are read, so that a typing error costs no time. */
function foldOf(text: string | undefined): (dataset: Dataset) => number | 'all' {
  if (text === undefined) return ({ folds }) => (folds === 0 ? 'all' : 0);
  if (text === 'unsplit') return () => 'all';
  const fold = numberIn('fold', text, { type: 'whole' });
  return () => fold;
}

function introduce(event: StartEvent, dataset: Dataset, fold: number | 'all', print: Terminal['print']): void {
  const { name, base, novel } = dataset.fold(fold);
  const classes =
    fold === 'all' ? `all ${base.length} classes` : `${base.length} classes to train on, validated on ${novel.length} left out`;
  print(`engine: ${event.engine}; frozen networks: ${event.device}`);
  print(`data: ${dataset.name}, fold ${name}: ${classes}; ${event.steps} steps, ${event.stepsPerEpoch} an epoch`);
}

function closing({ reason, step, bestMiou, bestStep }: EndEvent, out: string): string {
  const best = bestMiou < 0 ? join(out, 'last') : `${join(out, 'best')} (mIoU ${bestMiou.toFixed(2)} % after step ${bestStep})`;
  return `${reason} after step ${step}; look at ${join(out, 'report.html')}, use it with --model ${best}`;
}

/** Arguments as they are typed in a shell, with --resume. */
function resumed(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`));
  return [...quoted, ...(args.includes('--resume') ? [] : ['--resume'])].join(' ');
}
