/** `prosam train`: learns a prompt encoder from annotated images. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DISTRIBUTIONS } from '../../core/networks/prompt-distribution.ts';
import { DEVICES } from '../../core/runtime/devices/devices.ts';
import { openDataset } from '../../training/datasets/index.ts';
import { loadTrainingEngine, TRAINING_ENGINES } from '../../training/tfjs/engine.ts';
import { SCHEDULES } from '../../training/step/schedule.ts';
import { checkedOptions, type TrainOptions } from '../../training/train-options.ts';
import { train, type EndEvent, type StartEvent } from '../../training/loop/trainer.ts';
import { ANNOTATION_MODES, type Dataset } from '../../training/types.ts';
import { engineOptions, predictOptions } from '../common/engine-options.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import type { Terminal } from '../common/terminal.ts';
import { humanSpeaker, jsonSpeaker } from './event-printer.ts';
import { createRunReport } from './report.ts';
import { choice, EXIT, number, UsageError, wholeNumber } from '../common/usage.ts';

export const TRAIN_HELP = `prosam train: learn from annotated images

  prosam train --data DIR|FILE --out DIR [options]

Trains the prompt encoder of a model; SAM and the backbone stay as they are. Ctrl-C ends it after the current step with a
checkpoint; the same command with --resume goes on, to the same weights as a run that was never stopped, also after kill -9.

  --data DIR|FILE       PASCAL-5i, COCO-20i, a folder with images/, masks/ and classes.json, or a suite file
  --out DIR             one folder a run: model folders best/ and last/, report.html, metrics.jsonl, checkpoint.safetensors
  --resume              go on where DIR's checkpoint stands
  --fold F              0, 1, ... leaves that fold's classes out of training and validates on them (default: 0)
                        unsplit: every class, validated on images held back (default where the data have no folds)
  --annotation KIND     how references are marked: ${ANNOTATION_MODES.join(', ')} (default: mask)
  --model NAME|PATH     whose frozen networks to use (default: tiny); training starts from its prompt encoder
  --from-scratch        start from random weights instead
  --warm-start FILE     or from this prompt encoder: safetensors, or a VRP-SAM checkpoint

How long:
  --epochs N            (default: 100)
  --steps N             end after N steps
  --pairs N             validation pairs; 0: no validation, and no best/ (default: 100)
  --validate-every N    epochs between validations (default: 1)
  --patience N          end after N validations without improvement (default: never)
  --checkpoint-every N  steps between checkpoints (default: 100)

How (the defaults are the paper's):
  --distribution D      ${DISTRIBUTIONS.join(', ')} (default: student_t;
                        deterministic is VRP-SAM)
  --nu N                degrees of freedom (default: 5)
  --samples K           prompt sets drawn a step (default: 10)
  --batch N             pairs a step (default: 2)
  --lr N                learning rate (default: 1e-4)
  --schedule S          ${SCHEDULES.join(', ')} (default: warm_restarts)
  --restart-epochs N    epochs of the first cycle (default: 15)
  --weight-decay N      (default: 1e-6)
  --dropout N           share of channels dropped (default: the model's)
  --label-reduction R   nearest, any, area or area:0.25: how marks become feature cells (default: the model's)
  --seed N              same seed, same run (default: 321)
Off by default, not in the paper:
  --clip-norm N         longest a gradient may be
  --average-decay N     keep a moving average of the weights, such as 0.999
  --flip                mirror every other pair
  --jitter N            draw from N kinds of changed colours

Where:
  --engine E            what differentiates: auto, ${TRAINING_ENGINES.join(', ')} (default: auto); see prosam setup
  --device DEVICE       of the frozen networks: auto, ${DEVICES.join(', ')} (default: auto)
  --threads N           CPU threads of the frozen networks (default: all cores)
  --cache DIR           what the frozen networks say of each image, computed once (default: features beside the run's folder)
  --json                one JSON line an event on stdout

Exit code: 0 done, 2 failed (what was learned is kept), 130 interrupted.

Examples:
  prosam train --data photos --out runs/first --epochs 30 --patience 5
  prosam train --data photos --out runs/points --annotation point --label-reduction any --model runs/first/best
`;

/** -> exit code */
export async function trainCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parse(args);
  const { data, out, json = false } = values;
  if (data === undefined) throw new UsageError('expected --data DIR or FILE with annotated images, got none.');
  if (out === undefined) throw new UsageError('expected --out DIR for the run, got none.');
  const folder = resolve(out);
  const options = optionsOf(values, folder);
  const { epochs } = checkedOptions(options);
  const foldIn = foldOf(values.fold);
  const engineName = choice('engine', values.engine ?? 'auto', ['auto', ...TRAINING_ENGINES]);

  let reading: Progress | undefined;
  const onProgress = (done: number, total: number, what: string): void => {
    if (done === 1) reading = createProgress(total);
    reading?.advance(what);
  };
  const dataset = await openDataset(data, { onProgress, ...(signal && { signal }) }).finally(() => reading?.clear());
  const fold = foldIn(dataset);
  dataset.fold(fold); // what is wrong with the data is told before anything is loaded or written
  const report = createRunReport(folder, dataset.classes);
  await report.check();
  const engine = await loadTrainingEngine(engineName);

  const whole: TrainOptions = { ...options, dataset, fold, engine, ...(signal && { signal }) };
  const speaker = json ? jsonSpeaker({ print }) : humanSpeaker({ print }, epochs);
  let end: EndEvent | undefined;
  try {
    for await (const event of train(whole)) {
      if (event.type === 'start' && !json) introduce(event, dataset, fold, print);
      if (event.type === 'start') event.notes.forEach((note) => warn(note));
      speaker.tell(event);
      await report.tell(event);
      if (event.type === 'end') end = event;
    }
  } finally {
    speaker.clear();
  }
  if (end?.reason === 'interrupted') {
    warn(`interrupted after step ${end.step}; go on with: prosam train ${resumed(args)}`);
    return EXIT.interrupted;
  }
  if (!json && end) print(closing(end, out));
  return EXIT.ok;
}

type Values = ReturnType<typeof parse>['values'];

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  return parseArgs({
    args: [...args],
    options: {
      ...{ data: text, out: text, fold: text, annotation: text, model: text, 'warm-start': text, 'from-scratch': flag, resume: flag },
      ...{ epochs: text, steps: text, pairs: text, 'validate-every': text, patience: text, 'checkpoint-every': text },
      ...{ distribution: text, nu: text, samples: text, batch: text, lr: text, schedule: text, 'restart-epochs': text },
      ...{ 'weight-decay': text, dropout: text, 'label-reduction': text, seed: text, 'clip-norm': text, 'average-decay': text },
      ...{ flip: flag, jitter: text, engine: text, device: text, threads: text, cache: text, json: flag },
    },
  });
}

function optionsOf(values: Values, out: string): Omit<TrainOptions, 'dataset' | 'engine' | 'fold'> {
  if (values['from-scratch'] && values['warm-start'] !== undefined)
    throw new UsageError('--from-scratch and --warm-start exclude each other: choose one.');
  const start = values['from-scratch'] ? 'scratch' : values['warm-start'] === undefined ? undefined : resolve(values['warm-start']);
  const whole = (name: keyof Values): number | undefined => parsed(name, values[name], wholeNumber);
  const real = (name: keyof Values): number | undefined => parsed(name, values[name], number);
  const { cache, flip, jitter, resume, ...predicting } = values;
  const { samples, distribution, nu, seed, labelReduction } = predictOptions(predicting);
  const entries = {
    ...{ out, start, samples, distribution, nu, seed, labelReduction, resume, cacheDir: cache },
    ...engineOptions(predicting),
    annotation: parsed('annotation', values.annotation, (name, text) => choice(name, text, ANNOTATION_MODES)),
    schedule: parsed('schedule', values.schedule, (name, text) => choice(name, text, SCHEDULES)),
    ...{ epochs: whole('epochs'), maxSteps: whole('steps'), batch: whole('batch'), patience: whole('patience') },
    ...{ validationPairs: whole('pairs'), validateEvery: whole('validate-every'), checkpointEvery: whole('checkpoint-every') },
    ...{ lr: real('lr'), restartEpochs: real('restart-epochs'), weightDecay: real('weight-decay'), dropout: real('dropout') },
    ...{ clipNorm: real('clip-norm'), averageDecay: real('average-decay') },
    ...((flip || jitter !== undefined) && { augmentation: { flip: flip === true, jitter: whole('jitter') ?? 0 } }),
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Omit<TrainOptions, 'dataset' | 'engine'>;
}

function parsed<T>(name: string, value: string | boolean | undefined, parser: (name: string, text: string) => T): T | undefined {
  return typeof value === 'string' ? parser(name, value) : undefined;
}

/** Read before the data are, so that a slip of the pen costs no time. */
function foldOf(text: string | undefined): (dataset: Dataset) => number | 'all' {
  if (text === undefined) return ({ folds }) => (folds === 0 ? 'all' : 0);
  if (text === 'unsplit') return () => 'all';
  const fold = wholeNumber('fold', text);
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

/** The arguments as they are typed in a shell, with --resume. */
function resumed(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`));
  return [...quoted, ...(args.includes('--resume') ? [] : ['--resume'])].join(' ');
}
