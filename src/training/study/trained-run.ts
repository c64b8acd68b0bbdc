/** One training run of a study: begun, gone on with where it was ended, or kept where it is complete. */
import { DEFAULT_MODEL } from '../../core/engine/defaults.ts';
import { join } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import type { LabelReduction } from '../../core/mask/label-reduction.ts';
import { writeDurably } from '../../core/files/write-file.ts';
import type { TrainOptions } from '../train-options.ts';
import { train } from '../loop/trainer.ts';
import type { AnnotationMode } from '../types.ts';
import { promptWidth } from './frozen-model.ts';
import { modelTitle, type StudyContext } from './study-context.ts';
import { fileName, makeFolder, modelStamp, readJson } from './study-folder.ts';
import { NU, VARIANTS, type VariantName } from './variants.ts';

export interface RunSpec {
  variant: VariantName;
  fold: number | 'all';
  seed: number;
  /** @default the study's first */
  model?: string;
  /** @default the study's */
  annotation?: AnnotationMode;
  /** @default the study's, else the model's */
  labelReduction?: LabelReduction;
}

export interface TrainedRun {
  /** The trained model. */
  folder: string;
  steps: number;
  /** Mean sigma over the last tenth of the steps; absent for deterministic encoders. */
  sigma?: number;
  /** Loss over the last tenth of the steps. */
  loss: number;
  /** Seed of the training; absent for a model that was given. */
  seed?: number;
}

const PAPER_EPOCHS = 100;
/** The rate the paper trains with. */
const PAPER_RATE = 1e-4;

/**
 * Every run starts from random weights: the encoder of a ready model may have seen the classes it is tested on. What is tested
 * later are the weights after the last step; choosing the best epoch on the test classes would flatter every variant.
 * @throws what training throws; the signal's reason, after which the same call goes on from the checkpoint
 */
export async function trainedRun(context: StudyContext, spec: RunSpec): Promise<TrainedRun> {
  const { settings } = context;
  const model = spec.model ?? settings.models[0] ?? DEFAULT_MODEL;
  const annotation = spec.annotation ?? settings.annotation;
  const name = fileName(`${modelTitle(model, settings.models)}-${spec.variant}-${annotation}-fold${spec.fold}-seed${spec.seed}`);
  const out = join(settings.runs, name);
  const options = await optionsOf(context, spec, model, out);
  const stamp = await stampOf(options, model);

  const done = await readJson(join(out, 'done.json'));
  if (done !== undefined && done['stamp'] === stamp) {
    context.note(`${name}: trained before, kept`);
    return done['run'] as TrainedRun;
  }
  await makeFolder(settings.runs);
  const run = { folder: join(out, 'last'), seed: spec.seed, ...(await follow(context, name, options)) };
  await writeDurably(join(out, 'done.json'), JSON.stringify({ stamp, run }));
  return run;
}

/** Everything the weights depend on, as text. */
async function stampOf(options: TrainOptions, model: string): Promise<string> {
  const elsewhere = { engine: options.engine.name, dataset: options.dataset.name, model: await modelStamp(model) };
  const without = { out: undefined, cacheDir: undefined, threads: undefined, signal: undefined };
  return JSON.stringify({ ...options, ...elsewhere, ...without });
}

async function optionsOf(context: StudyContext, spec: RunSpec, model: string, out: string): Promise<TrainOptions> {
  const { settings } = context;
  const { distribution, noiseScale, stackedHeads, dense, outputGain } = VARIANTS[spec.variant];
  const { seed, fold } = spec;
  const labelReduction = spec.labelReduction ?? settings.labelReduction;
  return {
    dataset: settings.dataset,
    engine: await context.engine(),
    out,
    model,
    fold,
    seed,
    start: 'scratch',
    annotation: spec.annotation ?? settings.annotation,
    distribution,
    nu: NU,
    ...(noiseScale && { noiseScale: noiseScale(await promptWidth(model)) }),
    ...(stackedHeads && { stackedHeads }),
    ...(dense && { dense }),
    ...(outputGain !== undefined && { outputGain }),
    ...(labelReduction && { labelReduction }),
    samples: settings.samples,
    batch: settings.batch,
    lr: settings.lr ?? PAPER_RATE,
    ...lengthOf(context, fold, seed),
    validationPairs: 0,
    resume: true,
    device: settings.device ?? 'auto',
    threads: settings.threads,
    cacheDir: settings.cacheDir,
    ...(settings.signal && { signal: settings.signal }),
  };
}

/** A number of steps of one's own gets one cosine over all of them: the paper's first restart might never come. */
function lengthOf({ settings }: StudyContext, fold: number | 'all', seed: number): Partial<TrainOptions> {
  const { dataset, steps, batch } = settings;
  if (steps === undefined) return { epochs: PAPER_EPOCHS };
  const stepsPerEpoch = Math.max(1, Math.floor(dataset.fold(fold).trainingEpisodes(0, seed).length / batch));
  const epochs = steps / stepsPerEpoch;
  return { maxSteps: steps, epochs: Math.ceil(epochs), restartEpochs: Math.max(0.01, epochs) };
}

async function follow(context: StudyContext, name: string, options: TrainOptions): Promise<Omit<TrainedRun, 'folder' | 'seed'>> {
  const rows: { loss: number; sigmaMean: number }[] = [];
  let steps = 0;
  for await (const event of train(options)) {
    if (event.type === 'start') {
      for (const row of event.history) if (row.type === 'step') rows.push(row);
      steps = event.steps;
      context.note(`${name}: ${event.done > 0 ? `goes on after ${event.done} of` : 'trains'} ${steps} steps on ${event.engine}`);
    } else if (event.type === 'step') {
      rows.push(event.row);
      // The trainer itself ends at the signal, with a checkpoint.
      context.settings.onProgress?.({ what: `training ${name}`, done: event.row.step, total: steps });
    } else if (event.type === 'end' && event.reason === 'interrupted') {
      throw context.settings.signal?.reason ?? new ProsamError('RUN_INVALID', `${options.out}: the training ended early. Start it again.`);
    }
  }
  const late = rows.slice(-Math.ceil(rows.length / 10));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  // A deterministic run has none: NaN, which its log keeps as null.
  const sigma = mean(late.map(({ sigmaMean }) => sigmaMean).filter(Number.isFinite));
  return { steps, loss: mean(late.map(({ loss }) => loss)), ...(Number.isFinite(sigma) && { sigma }) };
}
