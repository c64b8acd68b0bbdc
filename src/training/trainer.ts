/** The training loop: episodes in, a better prompt encoder out. Everything it does shows as an event. */
import { basename, join } from 'node:path';
import type { FloatTensor } from '../core/checkpoint/weight-file.ts';
import { ProsamError } from '../core/errors.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { drawsFor } from './draws.ts';
import { exportModel } from './export-model.ts';
import { openMetricsLog, type MetricsRow } from './metrics-log.ts';
import { chunkFor, openRun, type OpenRun } from './open-run.ts';
import { batchOf, type PreparedPair } from './pairs.ts';
import type { StepRow, ValidationRow } from './report/training-report.ts';
import { lockRun } from './run-lock.ts';
import { learningRate } from './schedule.ts';
import { drawStep } from './step-draws.ts';
import { trainSettings, type TrainOptions, type TrainSettings } from './train-options.ts';
import { trainingStep, type StepResult } from './training-step.ts';
import type { Episode } from './types.ts';
import { gradientNorm, update } from './update.ts';
import type { ValidationExample } from './validate.ts';

export type TrainingEvent =
  | {
      type: 'start';
      /** What differentiates, and what ran the frozen networks. */
      engine: string;
      settings: Record<string, string | number>;
      notes: string[];
      /** Steps of the whole run, those already taken, and those of one epoch. */
      steps: number;
      done: number;
      stepsPerEpoch: number;
      /** Rows of the part before a resume. */
      history: readonly MetricsRow[];
    }
  | StepEvent
  | ValidationEvent
  | { type: 'checkpoint'; step: number }
  | { type: 'end'; reason: EndReason; step: number; bestMiou: number; bestStep: number };

/** frozenShare: part of the step's time spent in frozen networks, 0..1. */
export interface StepEvent {
  type: 'step';
  row: StepRow;
  frozenShare: number;
  gradientNorm: number;
}
export interface ValidationEvent {
  type: 'validation';
  row: ValidationRow;
  best: boolean;
  examples: ValidationExample[];
}
export type EndReason = 'finished' | 'interrupted' | 'no improvement';

const EXAMPLES = 4;

/**
 * Trains and yields what happens. Ending the iteration early, like the signal, leaves a checkpoint of the last whole step.
 *
 * Folder `out`: checkpoint.safetensors, metrics.jsonl, and the model folders `last` and, once validated, `best`.
 * @throws OPTION_INVALID, RUN_LOCKED, RUN_INVALID, LOSS_NOT_FINITE, OUTPUT_FAILED, DATASET_*, MODEL_*, CHECKPOINT_*, IMAGE_*
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  const settings = trainSettings(options);
  const unlock = await lockRun(settings.out);
  try {
    const run = await openRun(settings);
    try {
      yield* loop(settings, run);
    } finally {
      await run.close();
    }
  } finally {
    await unlock();
  }
}

async function* loop(settings: TrainSettings, run: OpenRun): AsyncGenerator<TrainingEvent, void, undefined> {
  const { state } = run;
  const { progress } = state;
  const stepsPerEpoch = Math.max(1, Math.floor(run.fold.trainingEpisodes(0, settings.seed).length / settings.batch));
  const steps = Math.min(settings.epochs * stepsPerEpoch, settings.maxSteps ?? Infinity);
  const log = await openMetricsLog(settings.out, progress.step);
  const start = { steps, done: progress.step, stepsPerEpoch, history: log.rows, notes: run.notes, settings: run.fingerprint };
  yield { type: 'start', engine: settings.engine.about, ...start };

  let written = progress.step;
  const pending: MetricsRow[] = [];
  const save = async (): Promise<void> => {
    await log.append(pending.splice(0));
    progress.optimizerStep = state.optimizer.step;
    await writeCheckpoint(settings.out, state);
    written = progress.step;
  };
  /** Also true for a run that was ended between the last step of an epoch and its validation. */
  const validationIsDue = (): boolean => {
    const { step, validatedStep } = progress;
    if (settings.validationPairs === 0 || step === 0 || step === validatedStep) return false;
    return step === steps || step % (stepsPerEpoch * settings.validateEvery) === 0;
  };
  let reason: EndReason = 'finished';
  try {
    for (;;) {
      if (validationIsDue()) {
        const validation = await validate(settings, run, stepsPerEpoch);
        pending.push({ type: 'validation', ...validation.row });
        if (validation.best) await publish(settings, run, 'best');
        yield validation;
        const without = (progress.step - progress.bestStep) / (stepsPerEpoch * settings.validateEvery);
        if (without >= (settings.patience ?? Infinity)) reason = 'no improvement';
      }
      if (written < progress.step && (progress.step % settings.checkpointEvery === 0 || progress.step % stepsPerEpoch === 0)) {
        await save();
        yield { type: 'checkpoint', step: progress.step };
      }
      if (settings.signal?.aborted) reason = 'interrupted';
      if (reason !== 'finished' || progress.step >= steps) break;
      const event = await oneStep(settings, run, stepsPerEpoch);
      pending.push({ type: 'step', ...event.row });
      yield event;
    }
    await publish(settings, run, 'last');
  } finally {
    // Also where the consumer stopped listening. After an error the weights are those of the last whole step.
    if (written !== progress.step) await save();
  }
  yield { type: 'end', reason, step: progress.step, bestMiou: progress.bestMiou, bestStep: progress.bestStep };
}

async function oneStep(settings: TrainSettings, run: OpenRun, stepsPerEpoch: number): Promise<StepEvent> {
  const { state, plan, features } = run;
  const { progress, parameters } = state;
  const epoch = Math.floor(progress.step / stepsPerEpoch);
  const first = (progress.step % stepsPerEpoch) * settings.batch;
  const episodes = run.fold.trainingEpisodes(epoch, settings.seed).slice(first, first + settings.batch);
  const frozenBefore = features.spent.milliseconds;
  const started = performance.now();
  const random = drawsFor(settings.seed, 'step', progress.step);
  const pairs: PreparedPair[] = [];
  for (const episode of episodes) pairs.push(await run.pairs(episode, random, 'training'));
  const distribution = { kind: settings.distribution, nu: settings.nu, n: plan.config.dim };
  const { noise, channelFactors } = drawStep(plan.config, distribution, settings.samples, pairs.length, random);
  const result = trainingStep(
    settings.engine.tf,
    run.decoder,
    { encoder: plan.config, distribution, chunk: chunkFor(run.model) },
    parameters,
    batchOf(pairs, features.square, channelFactors),
    noise,
  );
  const norm = gradientNorm(result.gradients);
  if (!Number.isFinite(result.loss) || !Number.isFinite(norm)) throw notFinite(progress.step, result.loss, norm, episodes);
  const lr = learningRate({ ...settings, kind: settings.schedule, minLr: 0, restartFactor: 1 }, progress.step / stepsPerEpoch);
  update(parameters, result.gradients, norm, state.optimizer, state.average, { ...settings, lr });
  progress.step++;

  const milliseconds = performance.now() - started;
  const row: StepRow = {
    ...{ step: progress.step, epoch, loss: result.loss, bce: result.bce, dice: result.dice },
    ...sigmaOf(result, plan.config.probabilistic),
    lr,
    imagesPerSecond: (1000 * pairs.length) / milliseconds,
  };
  return {
    type: 'step',
    row,
    gradientNorm: norm,
    frozenShare: (features.spent.milliseconds - frozenBefore) / milliseconds,
  };
}

function notFinite(step: number, loss: number, norm: number, episodes: readonly Episode[]): ProsamError {
  const images = episodes.map(({ reference, target }) => `${reference.key} -> ${target.key}`).join(', ');
  return new ProsamError(
    'LOSS_NOT_FINITE',
    `step ${step + 1}: wanted a finite loss, got ${loss} with a gradient of norm ${norm} on the pairs ${images}. ` +
      'The weights of the step before are kept. Lower the learning rate, or look at these images.',
  );
}

function sigmaOf({ logSigma }: StepResult, probabilistic: boolean): Pick<StepRow, 'sigmaMean' | 'sigmaMin' | 'sigmaMax'> {
  if (!probabilistic) return { sigmaMean: NaN };
  let [sum, low, high] = [0, Infinity, 0];
  for (const value of logSigma) {
    const sigma = Math.exp(value);
    sum += sigma;
    low = Math.min(low, sigma);
    high = Math.max(high, sigma);
  }
  return { sigmaMean: sum / logSigma.length, sigmaMin: low, sigmaMax: high };
}

async function validate(settings: TrainSettings, run: OpenRun, stepsPerEpoch: number): Promise<ValidationEvent> {
  const { progress } = run.state;
  const episodes = run.fold.testEpisodes(settings.validationPairs, settings.seed);
  const pairs = async function* (): AsyncGenerator<PreparedPair> {
    for (const [i, episode] of episodes.entries()) yield run.pairs(episode, drawsFor(settings.seed, 'marks', i), 'evaluation');
  };
  const { miou, fbIou, examples } = await run.validator.run(pairs(), EXAMPLES);
  const best = miou > progress.bestMiou;
  if (best) Object.assign(progress, { bestMiou: miou, bestStep: progress.step });
  progress.validatedStep = progress.step;
  return { type: 'validation', row: { step: progress.step, epoch: progress.step / stepsPerEpoch, miou, fbIou }, best, examples };
}

async function publish(settings: TrainSettings, run: OpenRun, which: 'best' | 'last'): Promise<void> {
  const { model, plan, state, fold } = run;
  const weights: ReadonlyMap<string, FloatTensor> = state.average ?? state.parameters;
  const about = `${state.progress.step} steps on ${settings.dataset.name}, fold ${fold.name}, ${settings.annotation}, ${settings.distribution}, K = ${settings.samples}, batch ${settings.batch}, lr ${settings.lr}, seed ${settings.seed}`;
  await exportModel(
    join(settings.out, which),
    `${model.manifest.name}-${basename(settings.out)}-${which}`.slice(0, 100),
    model,
    plan,
    weights,
    about,
  );
}
