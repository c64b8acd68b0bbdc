/** The training part of a run: from the version in service to a candidate, put aside and taken up at any step. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isProsamError } from '../core/common/errors.ts';
import type { Device } from '../core/runtime/devices/devices.ts';
import type { EncoderPlan } from '../training/step/encoder-plan.ts';
import type { MetricsRow } from '../training/loop/metrics-log.ts';
import { train } from '../training/loop/trainer.ts';
import type { TrainOptions } from '../training/train-options.ts';
import type { Dataset } from '../training/types.ts';
import type { LearnerContext } from './types.ts';
import type { RunFiles } from './run-files.ts';
import type { Snapshot } from './snapshot.ts';

export interface CandidateOptions {
  context: Pick<LearnerContext, 'engine' | 'settings' | 'memoryUsed'>;
  snapshot: Snapshot;
  dataset: Dataset;
  files: Pick<RunFiles, 'training' | 'features'>;
  /** The model's own prompt encoder, whose settings the candidate keeps. */
  plan: EncoderPlan;
  /** 'model' or the file of the version in service. */
  start: string;
  /** The start is trained, no random weights. */
  hasStart: boolean;
  onStep: (step: number, steps: number, loss: number) => void;
  signal: AbortSignal;
}

export interface TrainedCandidate {
  /** Model folder. */
  folder: string;
  metrics: {
    steps: number;
    seconds: number;
    /** e.g. "tfjs-node 4.22.0 on libtensorflow 2.21.0, CPU" */
    engine: string;
    device: string;
    curve: { step: number; loss: number }[];
  };
}

const POINTS = 200;
/** The learning rate falls over the whole run, counted in epochs. */
const STEPS_PER_EPOCH = 10;

/** Training episodes of an epoch. */
export function episodesPerEpoch({ training: { batch } }: Snapshot): number {
  return STEPS_PER_EPOCH * batch;
}

/** 'memory', 'stopped': it can be resumed. @throws LOSS_NOT_FINITE, RUN_LOCKED, OUTPUT_FAILED, DATASET_*, IMAGE_*, CHECKPOINT_* */
export async function trainCandidate(options: CandidateOptions): Promise<TrainedCandidate | 'stopped' | 'memory'> {
  try {
    return await attempt(options);
  } catch (error) {
    if (!isProsamError(error) || error.code !== 'RUN_INVALID') throw error;
    // What is left of the run is damaged or was made with another engine or model: what was fixed is the data, so it begins anew.
    await rm(options.files.training, { recursive: true, force: true });
    return attempt(options);
  }
}

async function attempt(options: CandidateOptions): Promise<TrainedCandidate | 'stopped' | 'memory'> {
  const { files, signal, onStep } = options;
  const { maxMemoryBytes } = options.context.settings;
  const full = new AbortController();
  const started = performance.now();
  const rows: MetricsRow[] = [];
  const metrics = { steps: 0, seconds: 0, engine: '', device: '' };
  let reason = '';
  for await (const event of train(trainOptions(options, AbortSignal.any([signal, full.signal])))) {
    if (event.type === 'start') {
      Object.assign(metrics, { steps: event.steps, engine: event.engine, device: event.device });
      rows.push(...event.history);
      if (event.done > 0) onStep(event.done, event.steps, lossOf(rows.at(-1)));
    } else if (event.type === 'step') {
      rows.push({ type: 'step', ...event.row });
      onStep(event.row.step, metrics.steps, event.row.loss);
      if (options.context.memoryUsed() > maxMemoryBytes) full.abort();
    } else if (event.type === 'end') reason = event.reason;
  }
  if (reason === 'interrupted') return full.signal.aborted && !signal.aborted ? 'memory' : 'stopped';
  metrics.seconds = Math.round(performance.now() - started) / 1000;
  return { folder: join(files.training, 'last'), metrics: { ...metrics, curve: thinned(rows) } };
}

function trainOptions({ context, snapshot, dataset, files, plan, start, hasStart }: CandidateOptions, signal: AbortSignal): TrainOptions {
  const { settings, engine } = context;
  const { steps, batch, samples, lr, averageDecay, keep, crops } = snapshot.training;
  return {
    ...{ dataset, engine, out: files.training, resume: true, fold: 'all', model: settings.model, start },
    ...{ distribution: plan.distribution, nu: plan.nu, stackedHeads: plan.config.stackedHeads ?? false },
    ...(plan.noise_scale !== undefined && { noiseScale: plan.noise_scale }),
    ...{ maxSteps: steps, epochs: Math.ceil(steps / STEPS_PER_EPOCH), schedule: 'cosine', lr },
    ...{ batch, samples, averageDecay, seed: snapshot.seed, clipNorm: 1 },
    ...(crops > 0 && { augmentation: { crops } }),
    // A first prompt encoder has nothing to keep.
    keep: hasStart ? keep : 0,
    // Images of the gate must not decide twice: the moving average of the last steps is the candidate, not the best of several.
    validationPairs: 0,
    ...{ device: settings.device as Device | 'auto', threads: settings.threads, checkpointEvery: settings.checkpointEvery },
    ...{ memoryBytes: settings.featureBytes, cacheDir: files.features, cacheDirBytes: settings.cacheBytes },
    signal,
  };
}

function lossOf(row: MetricsRow | undefined): number {
  return row?.type === 'step' ? row.loss : NaN;
}

/** Mean loss of as many stretches of steps as there is room for. */
function thinned(rows: readonly MetricsRow[]): { step: number; loss: number }[] {
  const steps = rows.filter((row) => row.type === 'step');
  const length = Math.max(1, Math.ceil(steps.length / POINTS));
  return Array.from({ length: Math.ceil(steps.length / length) }, (_, i) => {
    const part = steps.slice(i * length, (i + 1) * length);
    return { step: part.at(-1)?.step ?? 0, loss: part.reduce((sum, { loss }) => sum + loss, 0) / part.length };
  });
}
