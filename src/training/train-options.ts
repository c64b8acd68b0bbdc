/** Options of a training run, with the paper's values as defaults. */
import { DEFAULT_MODEL } from '../core/engine/defaults.ts';
import { resolve } from 'node:path';
import { DISTRIBUTIONS, type DistributionKind } from '../core/networks/prompt-distribution.ts';
import { ProsamError } from '../core/common/errors.ts';
import type { LabelReduction } from '../core/mask/label-reduction.ts';
import { DEVICES, type Device } from '../core/runtime/devices/devices.ts';
import { MAX_KINDS, type Augmentation } from './batches/augment.ts';
import { DEFAULT_SEED, MAX_INDEX } from './step/seeds.ts';
import type { TrainingEngineName } from './tfjs/engine-packages.ts';
import { SCHEDULES, type ScheduleKind } from './step/schedule.ts';
import type { Tf } from './tfjs/tfjs-ops.ts';
import { ANNOTATION_MODES, type AnnotationMode, type Dataset } from './types.ts';

/** Result of `loadTrainingEngine`. Its TensorFlow.js stays hidden, so that its types are not needed. */
export interface LoadedEngine {
  readonly name: TrainingEngineName;
  /** Engine in use, e.g. "tfjs-node 4.22.0 on libtensorflow 2.21.0, CPU". */
  readonly about: string;
}

/** @throws OPTION_INVALID */
export function tensorFlowOf(engine: LoadedEngine): Tf {
  const { tf } = engine as Partial<LoadedEngine> & { tf?: Tf };
  if (tf === undefined) throw new ProsamError('OPTION_INVALID', 'engine: expected what loadTrainingEngine gives, got something else.');
  return tf;
}

export interface TrainOptions {
  dataset: Dataset;
  /** Differentiating engine; see `loadTrainingEngine`. */
  engine: LoadedEngine;
  /** Folder of the run: checkpoint, metrics, and the model folders `best` and `last`. */
  out: string;
  /** Classes to leave out of training and to test on; 'all' leaves none out. @default 0 */
  fold?: number | 'all';
  /** Built-in model or model folder whose frozen parts are used. @default 'small' */
  model?: string;
  /** 'model': the model's own prompt encoder where it has one; 'scratch'; or the path of a checkpoint. @default 'model' */
  start?: string;
  /** @default 'mask' */
  annotation?: AnnotationMode;
  /** Reduction of annotations to cells. @default the model's, 'nearest' where it has none */
  labelReduction?: LabelReduction;
  /** @default 'student_t'; 'deterministic' trains VRP-SAM's encoder, which has no heads */
  distribution?: DistributionKind;
  /** Degrees of freedom. @default 5 */
  nu?: number;
  /** Constant factor on the noise, 1e-6 to 1e6: what it takes to compare distributions at one noise. @default 1 */
  noiseScale?: number;
  /** Only with 'deterministic': two linear layers behind the queries, as many parameters as ProSAM (paper, table 7). @default false */
  stackedHeads?: boolean;
  /** Mask prompt beside the prompts: 'coarse' learns one, 'none' is the paper's form. @default the model's, 'none' where it has none */
  dense?: 'none' | 'coarse';
  /** Factor on random first output projections of the attentions, 0 to 1: below 1 prompts begin unlike each other. @default 1 */
  outputGain?: number;
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
  /**
   * Weight that holds the encoder to the answers it started with, on objects at random points of the training images, so that a few images
   * of a new concept do not make it forget the rest. Takes a start that was trained. 0 to 1000.
   * @default 10 where such a start goes on with at most 100 images, else 0
   */
  keep?: number;
  /** Share of pairs whose target does not show the class, so that its truth is an empty mask; 0 to 1. @default 0 */
  absent?: number;
  /**
   * Share of references marked by a box, points or scribbles, each equally likely, turned into objects as a prediction does; 0 to 1. Only with the
   * annotation 'mask'. @default 0
   */
  marks?: number;
  /** @default none */
  augmentation?: Augmentation;
  /** Test pairs of a validation; 0 = no validation. @default 100 */
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
  | 'labelReduction'
  | 'noiseScale'
  | 'stackedHeads'
  | 'dense'
  | 'outputGain'
  | 'maxSteps'
  | 'dropout'
  | 'clipNorm'
  | 'averageDecay'
  | 'keep'
  | 'augmentation'
  | 'patience'
  | 'cacheDir'
  | 'signal';
/** All options with their defaults filled in. */
export type TrainSettings = Required<Omit<TrainOptions, Optional>> & Pick<TrainOptions, Optional>;

type Loaded = 'dataset' | 'engine';

const GIB = 2 ** 30;

/** Distribution a prompt encoder learns, unless another is requested. */
export const PAPER_DISTRIBUTION = { distribution: 'student_t', nu: 5 } as const;

/** @throws OPTION_INVALID */
export function trainSettings({ dataset, engine, ...options }: TrainOptions): TrainSettings {
  return { ...checkedOptions(options), dataset, engine };
}

/** Checks of options that need neither data nor engine. @throws OPTION_INVALID */
export function checkedOptions(options: Omit<TrainOptions, Loaded>): Omit<TrainSettings, Loaded> {
  const settings: Omit<TrainSettings, Loaded> = {
    fold: 0,
    model: DEFAULT_MODEL,
    start: 'model',
    annotation: 'mask',
    ...PAPER_DISTRIBUTION,
    samples: 10,
    batch: 2,
    epochs: 100,
    lr: 1e-4,
    schedule: 'warm_restarts',
    restartEpochs: 15,
    weightDecay: 1e-6,
    absent: 0,
    marks: 0,
    seed: DEFAULT_SEED,
    validationPairs: 100,
    validateEvery: 1,
    checkpointEvery: 100,
    resume: false,
    device: 'auto',
    threads: 0,
    cacheDirBytes: 16 * GIB,
    memoryBytes: GIB,
    ...(Object.fromEntries(Object.entries(options as Record<string, unknown>).filter(([, value]) => value !== undefined)) as {
      out: string;
    }),
    out: resolve(options.out),
  };
  const bounds: [keyof typeof settings, number, number, 'whole' | 'real'][] = [
    ['samples', 1, 100, 'whole'],
    ['batch', 1, 256, 'whole'],
    ['epochs', 1, 100_000, 'whole'],
    ['maxSteps', 1, MAX_INDEX, 'whole'],
    ['lr', 1e-12, 10, 'real'],
    ['nu', 1e-3, 1e6, 'real'],
    ['noiseScale', 1e-6, 1e6, 'real'],
    ['outputGain', 0, 1, 'real'],
    ['restartEpochs', 0.01, 1e6, 'real'],
    ['weightDecay', 0, 10, 'real'],
    ['keep', 0, 1000, 'real'],
    ['absent', 0, 1, 'real'],
    ['marks', 0, 1, 'real'],
    ['dropout', 0, 0.95, 'real'],
    ['seed', 0, 2 ** 31, 'whole'],
    ['clipNorm', 1e-12, 1e12, 'real'],
    ['averageDecay', 0, 0.999999, 'real'],
    ['validationPairs', 0, 100_000, 'whole'],
    ['validateEvery', 1, 100_000, 'whole'],
    ['patience', 1, 100_000, 'whole'],
    ['checkpointEvery', 1, 1e9, 'whole'],
    ['threads', 0, 1024, 'whole'],
    ['memoryBytes', 0, 2 ** 50, 'real'],
    ['cacheDirBytes', 0, 2 ** 50, 'real'],
  ];
  for (const [name, low, high, kind] of bounds) checkNumber(name, settings[name], low, high, kind);
  const { augmentation: { jitter, crops } = {}, labelReduction: reduction } = settings;
  checkNumber('augmentation.jitter', jitter, 0, MAX_KINDS, 'whole');
  checkNumber('augmentation.crops', crops, 0, MAX_KINDS, 'whole');
  if (reduction?.kind === 'area') checkNumber('labelReduction.threshold', reduction.threshold, 0, 1, 'real');
  checkChoice('annotation', settings.annotation, ANNOTATION_MODES);
  if (settings.dense) checkChoice('dense', settings.dense, ['none', 'coarse']);
  checkChoice('distribution', settings.distribution, DISTRIBUTIONS);
  checkChoice('schedule', settings.schedule, SCHEDULES);
  checkChoice('device', settings.device, ['auto', ...DEVICES]);
  if (reduction) checkChoice('labelReduction.kind', reduction.kind, ['nearest', 'any', 'area']);
  if (settings.stackedHeads && settings.distribution !== 'deterministic') {
    throw new ProsamError('OPTION_INVALID', `stackedHeads: expected the distribution deterministic with it, got ${settings.distribution}.`);
  }
  if (settings.marks > 0 && settings.annotation !== 'mask')
    throw new ProsamError('OPTION_INVALID', `marks: expected the annotation mask with it, got ${settings.annotation}. Use one of the two.`);
  // Every sample would be the mean again.
  return settings.distribution === 'deterministic' ? { ...settings, samples: 1 } : settings;
}

function checkNumber(name: string, value: unknown, low: number, high: number, kind: 'whole' | 'real'): void {
  if (value === undefined) return;
  if (typeof value === 'number' && value >= low && value <= high && (kind === 'real' || Number.isInteger(value))) return;
  throw new ProsamError('OPTION_INVALID', `${name}: expected a ${kind} number from ${low} to ${high}, got ${JSON.stringify(value)}.`);
}

function checkChoice(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new ProsamError('OPTION_INVALID', `${name}: expected one of ${allowed.join(', ')}, got ${JSON.stringify(value)}.`);
}
