/** What can be set about a training run, the paper's values as defaults, and what must stay the same when it is resumed. */
import { DISTRIBUTIONS, type DistributionKind } from '../core/distribution.ts';
import { ProsamError } from '../core/errors.ts';
import type { LabelReduction } from '../core/mask/label-reduction.ts';
import type { Device } from '../core/runtime/devices.ts';
import type { Augmentation } from './augment.ts';
import { DEFAULT_SEED } from './draws.ts';
import type { TrainingEngine } from './engine.ts';
import type { ScheduleKind } from './schedule.ts';
import type { AnnotationMode, Dataset } from './types.ts';

export interface TrainOptions {
  dataset: Dataset;
  /** What differentiates; see `loadTrainingEngine`. */
  engine: TrainingEngine;
  /** Folder of the run: checkpoint, metrics, and the model folders `best` and `last`. */
  out: string;
  /** Classes to leave out of training and to test on; 'all' leaves none out. @default 0 */
  fold?: number | 'all';
  /** Built-in model or model folder whose frozen parts are used. @default 'tiny' */
  model?: string;
  /** 'model': the model's own prompt encoder where it has one; 'scratch'; or the path of a checkpoint. @default 'model' */
  start?: string;
  /** @default 'mask' */
  annotation?: AnnotationMode;
  /** How marks become cells. @default the model's, 'nearest' where it has none */
  labelReduction?: LabelReduction;
  /** @default 'student_t'; 'deterministic' trains VRP-SAM's encoder, which has no heads */
  distribution?: DistributionKind;
  /** Degrees of freedom. @default 5 */
  nu?: number;
  /** Prompt sets drawn a step (K), 1 to 100. @default 10 */
  samples?: number;
  /** Pairs a step, 1 to 256. @default 2 */
  batch?: number;
  /** @default 100 */
  epochs?: number;
  /** Ends the run after this many steps. @default none */
  maxSteps?: number;
  /** @default 1e-4 */
  lr?: number;
  /** @default 'warm_restarts' */
  schedule?: ScheduleKind;
  /** Epochs of the first cycle of warm restarts. @default 15 */
  restartEpochs?: number;
  /** @default 1e-6 */
  weightDecay?: number;
  /** Share of channels dropped after the reduction. @default the model's, 0.5 where it has none */
  dropout?: number;
  /** Whole, 0 to 2^31. @default 321 */
  seed?: number;
  /** Longest a step's gradient may be (its norm over all parameters). @default no bound */
  clipNorm?: number;
  /** Decay of a moving average of the weights, which is then what is validated and kept; 0 to 1. @default none */
  averageDecay?: number;
  /** @default none */
  augmentation?: Augmentation;
  /** Test pairs after an epoch; 0 = no validation. @default 100 */
  validationPairs?: number;
  /** Epochs between validations. @default 1 */
  validateEvery?: number;
  /** Validations without improvement after which training ends. @default never */
  patience?: number;
  /** Steps between checkpoints. @default 100 */
  checkpointEvery?: number;
  /** Go on where the folder's checkpoint stands. @default false */
  resume?: boolean;
  /** Device of the frozen networks. @default 'auto' */
  device?: Device | 'auto';
  /** CPU threads of the frozen networks; 0 = all. @default 0 */
  threads?: number;
  /** Folder for what the frozen networks say of images. @default 'features' beside `out` */
  cacheDir?: string;
  /** Bytes kept in cacheDir. @default 16 GiB */
  cacheDirBytes?: number;
  /** Bytes of features kept in memory. @default 1 GiB */
  memoryBytes?: number;
  /** Ends the run after the current step, with a checkpoint. */
  signal?: AbortSignal;
}

type Optional =
  'labelReduction' | 'maxSteps' | 'dropout' | 'clipNorm' | 'averageDecay' | 'augmentation' | 'patience' | 'cacheDir' | 'signal';
/** All options with their defaults filled in. */
export type TrainSettings = Required<Omit<TrainOptions, Optional>> & Pick<TrainOptions, Optional>;

const GIB = 2 ** 30;

/** @throws OPTION_INVALID */
export function trainSettings(options: TrainOptions): TrainSettings {
  const settings: TrainSettings = {
    fold: 0,
    model: 'tiny',
    start: 'model',
    annotation: 'mask',
    distribution: 'student_t',
    nu: 5,
    samples: 10,
    batch: 2,
    epochs: 100,
    lr: 1e-4,
    schedule: 'warm_restarts',
    restartEpochs: 15,
    weightDecay: 1e-6,
    seed: DEFAULT_SEED,
    validationPairs: 100,
    validateEvery: 1,
    checkpointEvery: 100,
    resume: false,
    device: 'auto',
    threads: 0,
    cacheDirBytes: 16 * GIB,
    memoryBytes: GIB,
    ...options,
  };
  const bounds: [keyof TrainSettings, number, number, 'whole' | 'real'][] = [
    ['samples', 1, 100, 'whole'],
    ['batch', 1, 256, 'whole'],
    ['epochs', 1, 100_000, 'whole'],
    ['maxSteps', 1, 2 ** 20, 'whole'],
    ['lr', 1e-12, 10, 'real'],
    ['nu', 1e-3, 1e6, 'real'],
    ['restartEpochs', 0.01, 1e6, 'real'],
    ['weightDecay', 0, 10, 'real'],
    ['dropout', 0, 0.95, 'real'],
    ['seed', 0, 2 ** 31, 'whole'],
    ['clipNorm', 1e-12, 1e12, 'real'],
    ['averageDecay', 0, 0.999999, 'real'],
    ['validationPairs', 0, 100_000, 'whole'],
    ['validateEvery', 1, 100_000, 'whole'],
    ['patience', 1, 100_000, 'whole'],
    ['checkpointEvery', 1, 1e9, 'whole'],
  ];
  for (const [name, low, high, kind] of bounds) {
    const value = settings[name] as number | undefined;
    if (value === undefined) continue;
    if (!(value >= low && value <= high) || (kind === 'whole' && !Number.isInteger(value))) {
      throw new ProsamError('OPTION_INVALID', `${name}: wanted a ${kind} number from ${low} to ${high}, got ${String(value)}.`);
    }
  }
  if (!DISTRIBUTIONS.includes(settings.distribution)) {
    throw new ProsamError('OPTION_INVALID', `distribution: wanted one of ${DISTRIBUTIONS.join(', ')}, got ${settings.distribution}.`);
  }
  // Every sample would be the mean again.
  return settings.distribution === 'deterministic' ? { ...settings, samples: 1 } : settings;
}

/** What must not change between the parts of one run, as text; the settings also stand in its report. */
export function settingsFingerprint(settings: TrainSettings, modelId: string): Record<string, string | number> {
  const { augmentation, labelReduction } = settings;
  const optional = { clipNorm: settings.clipNorm, averageDecay: settings.averageDecay, dropout: settings.dropout };
  const entries: [string, string | number | undefined][] = [
    ['model', modelId],
    ['dataset', settings.dataset.name],
    ['fold', settings.fold],
    ['start', settings.start],
    ['annotation', settings.annotation],
    ['labelReduction', labelReduction && JSON.stringify(labelReduction)],
    ['distribution', settings.distribution],
    ['nu', settings.nu],
    ['samples', settings.samples],
    ['batch', settings.batch],
    ['epochs', settings.epochs],
    ['lr', settings.lr],
    ['schedule', settings.schedule],
    ['restartEpochs', settings.restartEpochs],
    ['weightDecay', settings.weightDecay],
    ['seed', settings.seed],
    ...Object.entries(optional),
    ['augmentation', augmentation && JSON.stringify(augmentation)],
    ['engine', settings.engine.name],
  ];
  return Object.fromEntries(entries.filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}
