/** The training loop: episodes in, a better prompt encoder out. Everything it does shows as an event. */
import { basename, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { isProsamError } from '../../core/common/errors.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { randomFor } from '../step/seeds.ts';
import { exportModel } from './export-model.ts';
import { openMetricsLog, type MetricsRow } from './metrics-log.ts';
import { oneStep } from '../step/one-step.ts';
import { openRun, type OpenRun } from './open-run.ts';
import type { PreparedPair } from '../batches/pairs.ts';
import { lockRun } from './run-lock.ts';
import { trainSettings, type TrainOptions, type TrainSettings } from '../train-options.ts';
import { validatePairs } from './validate.ts';
import type { EndReason, TrainingEvent, ValidatingEvent, ValidationEvent } from './training-events.ts';

export type * from './training-events.ts';

/** Validation pairs that are shown as they improve. */
const EXAMPLES = 4;

/**
 * Trains and yields what happens. Ending the iteration early, like the signal, leaves a checkpoint of the last whole step; so does
 * an error, but for a loss that is not finite, which leaves the last good one. Each step blocks the thread; between steps and
 * validation pairs the event loop has its turn.
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
  const { state, steps, stepsPerEpoch } = run;
  const { progress } = state;
  const log = await openMetricsLog(settings.out, progress.step);
  const start = { steps, done: progress.step, stepsPerEpoch, history: log.rows, notes: run.notes, settings: run.fingerprint };
  yield { type: 'start', engine: settings.engine.about, device: run.device, ...start };

  /** Step of the checkpoint in the folder. */
  let kept = progress.step;
  let mayKeep = true;
  const pending: MetricsRow[] = [];
  const save = async (): Promise<void> => {
    mayKeep = false; // what fails once is not tried again
    await log.append(pending);
    pending.length = 0;
    progress.optimizerStep = state.optimizer.step;
    await writeCheckpoint(settings.out, state);
    kept = progress.step;
    mayKeep = true;
  };
  const stepsPerValidation = stepsPerEpoch * settings.validateEvery;
  /** Also true for a run that was ended between the last step of an epoch and its validation. */
  const validationIsDue = (): boolean => {
    const { step, validatedStep } = progress;
    if (settings.validationPairs === 0 || step === 0 || step === validatedStep) return false;
    return step === steps || step % stepsPerValidation === 0;
  };
  const endOf = (): EndReason | undefined => {
    const { step, validatedStep, bestStep } = progress;
    const without = step === validatedStep ? (step - bestStep) / stepsPerValidation : 0;
    if (step > 0 && without >= (settings.patience ?? Infinity)) return 'no improvement';
    if (step >= steps) return 'finished';
    return settings.signal?.aborted ? 'interrupted' : undefined;
  };

  let reason: EndReason | undefined;
  try {
    while (reason === undefined) {
      if (validationIsDue() && !settings.signal?.aborted) {
        const validation = yield* validate(settings, run);
        if (validation) {
          pending.push({ type: 'validation', ...validation.row });
          if (validation.best) await publish(settings, run, 'best');
          yield validation;
        }
      }
      if (kept < progress.step && (progress.step % settings.checkpointEvery === 0 || progress.step % stepsPerEpoch === 0)) {
        await save();
        yield { type: 'checkpoint', step: progress.step };
      }
      // Interrupted before the last validation: not finished yet.
      reason = validationIsDue() ? 'interrupted' : endOf();
      if (reason !== undefined) break;
      const event = await oneStep(settings, run, kept);
      pending.push({ type: 'step', ...event.row });
      yield event;
      await turn(); // steps that find everything in memory would starve signals and timers
    }
    await publish(settings, run, 'last');
  } catch (error) {
    if (isProsamError(error) && error.code === 'LOSS_NOT_FINITE') {
      mayKeep = false; // weights from which the loss explodes must not replace better ones; how it came to this is worth knowing
      await log.append(pending).catch(() => undefined);
    }
    throw error;
  } finally {
    // Also where the consumer stopped listening.
    if (mayKeep && (kept !== progress.step || pending.length > 0)) await save();
  }
  yield { type: 'end', reason, step: progress.step, bestMiou: progress.bestMiou, bestStep: progress.bestStep };
}

/** undefined: the signal ended it; it is still due then. */
async function* validate(
  { validationPairs, seed, signal }: TrainSettings,
  run: OpenRun,
): AsyncGenerator<ValidatingEvent, ValidationEvent | undefined, undefined> {
  const { progress } = run.state;
  const episodes = run.fold.testEpisodes(validationPairs, seed);
  const pairs = async function* (): AsyncGenerator<PreparedPair> {
    for (const [i, episode] of episodes.entries()) yield run.pairs(episode, randomFor(seed, 'annotations', i), 'evaluation');
  };
  const measuring = validatePairs(run, pairs(), EXAMPLES);
  let next = await measuring.next();
  while (!next.done) {
    yield { type: 'validating', step: progress.step, done: next.value, total: episodes.length };
    await turn();
    if (signal?.aborted) return undefined;
    next = await measuring.next();
  }
  const { miou, fbIou, examples } = next.value;
  const best = miou > progress.bestMiou;
  if (best) Object.assign(progress, { bestMiou: miou, bestStep: progress.step });
  progress.validatedStep = progress.step;
  return { type: 'validation', row: { step: progress.step, epoch: progress.step / run.stepsPerEpoch, miou, fbIou }, best, examples };
}

async function publish(settings: TrainSettings, run: OpenRun, which: 'best' | 'last'): Promise<void> {
  const { model, plan, state, fold } = run;
  const weights: ReadonlyMap<string, FloatTensor> = state.average ?? state.parameters;
  const about = `${state.progress.step} steps on ${settings.dataset.name}, fold ${fold.name}, ${settings.annotation}, ${settings.distribution}, K = ${settings.samples}, batch ${settings.batch}, lr ${settings.lr}, seed ${settings.seed}`;
  const name = `${model.manifest.name}-${basename(settings.out)}-${which}`.slice(-100);
  await exportModel(join(settings.out, which), name, model, plan, weights, about);
}
