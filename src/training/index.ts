/** `prosam/training`: learn prompt encoders from annotated images, and measure them. */
import { loadTrainingEngine as load } from './tfjs/engine.ts';
import type { TrainingEngineName } from './tfjs/engine-packages.ts';
import type { LoadedEngine } from './train-options.ts';

/**
 * TensorFlow.js, one of its backends, from wherever it is installed; `auto` takes the first that really loads. One backend a
 * process: load one and stay with it.
 * @throws TRAINING_ENGINE_MISSING with what was tried and what to install
 */
export const loadTrainingEngine: (name?: 'auto' | TrainingEngineName) => Promise<LoadedEngine> = (name) => load(name);
export { TRAINING_ENGINES } from './tfjs/engine-packages.ts';
export type { TrainingEngineName } from './tfjs/engine-packages.ts';
export type { LoadedEngine, TrainOptions } from './train-options.ts';
export { setupTraining } from './setup/setup-training.ts';
export type { SetupOptions, TrainingSetup } from './setup/setup-training.ts';

export { train } from './loop/trainer.ts';
export type {
  CheckpointEvent,
  EndEvent,
  EndReason,
  StartEvent,
  StepEvent,
  TrainingEvent,
  ValidatingEvent,
  ValidationEvent,
  ValidationExample,
} from './loop/training-events.ts';
export type { MetricsRow } from './loop/metrics-log.ts';
export type { Augmentation } from './batches/augment.ts';
export type { ScheduleKind } from './step/schedule.ts';
export { trainingReport } from './report/training-report.ts';
export type { PairImages, StepRow, TrainingReportParts, ValidationRow } from './report/training-report.ts';

export { openDataset, scenesDataset, writeScenesDataset } from './datasets/index.ts';
export type { DatasetFormat, DatasetProgress, OpenDatasetOptions, ScenesOptions, TestImages } from './datasets/index.ts';
export { ANNOTATION_MODES, IGNORE_LABEL } from './types.ts';
export type { AnnotationMode, Dataset, DatasetClass, DatasetImage, Episode, Fold, LabelMap } from './types.ts';

export { evaluate } from './evaluation/evaluate.ts';
export type { EvaluateOptions } from './evaluation/evaluate.ts';
export { BASELINES, contestantsOf } from './evaluation/entries.ts';
export type { Contestant, ContestantOptions } from './evaluation/entries.ts';
export type { Confusion } from '../core/mask/metrics.ts';
export type {
  ComparisonSize,
  ContestantResult,
  EpisodeRow,
  Estimate,
  Evaluation,
  EvaluationSettings,
  PromptKind,
  PromptResult,
  PromptRow,
} from './evaluation/result.ts';
export { comparePaired } from './evaluation/bootstrap.ts';
export type { PairedComparison } from './evaluation/bootstrap.ts';
export { PUBLISHED } from './evaluation/published.ts';
export type { PublishedRow } from './evaluation/published.ts';
