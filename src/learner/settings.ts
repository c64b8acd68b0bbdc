/** Settings of the learner, and their defaults. */
import { DEFAULT_MODEL } from '../core/engine/defaults.ts';
import type { Method } from '../core/engine/types.ts';
import type { LearnerPolicy } from './policy.ts';

/** Times that a cron expression begins, each of the same length. */
export interface TimeWindow {
  /** Cron expression of the beginnings, such as "0 8 * * 1-5". */
  starts: string;
  /** Length in minutes, 1 to 10,080. */
  minutes: number;
  /** Time zone of the expression, such as "Europe/Berlin". @default none: that of the machine */
  timeZone?: string;
}

/** Settings of the learner: when it trains, on what, and when a candidate is deployed. */
export interface LearnerSettings extends LearnerPolicy {
  /** Times within which no run starts. @default none */
  quietHours?: TimeWindow;
  /** Times outside of which no run starts. @default none: always */
  onlyDuring?: TimeWindow;
  /** Share of the images held back for the gate, 0.05 to 0.5. @default 0.25 */
  gateShare: number;
  /** Share of training targets that an earlier run has learned from, 0 to 1. @default 0.5 */
  replayShare: number;
  /** Share of training pairs whose image does not show the label, so that its truth is an empty mask; at most their share of the images. 0 to 1. @default 0.2 */
  absentShare: number;
  /** Tolerance of the gate: how far below zero the 95 % interval of the gain in mIoU may reach, 0 to 1. @default 0 */
  margin: number;
  /** Largest mIoU (0 to 1) that a label with `minLabelPairs` pairs may lose. @default 0.05 */
  labelMargin: number;
  /** Pairs of a label below which its metrics are chance. @default 3 */
  minLabelPairs: number;
  /** Largest number of pairs the gate evaluates. @default 100 */
  gatePairs: number;
  /** Held-out images below which nothing is deployed. @default 5 */
  minGateImages: number;
  /**
   * Groups of images to train on that are held out in turn while fewer than twelve are held back for good, 0 to 20; each is a training of its
   * own. Projects of fewer than twelve images leave out one at a time. 0: none. @default 4
   */
  folds: number;
  /** IoU of two masks from which on they look alike, 0 to 1: what changes none by more is not deployed. @default 0.99 */
  alikeIou: number;
  /**
   * Images with an accepted mask of a label from which on numbers are fitted to it in seconds, 2 to 12; 0: never, and predictions use none.
   * Quiet hours do not hold it up. @default 5
   */
  fitFrom: number;
  /** Method that the gate asks: what people ask the service for. @default 'auto' */
  method: Method | 'auto';
  /** References of a label that the gate asks with, 1 to 20; of a service its `references.count`. @default as many as a service chooses */
  references?: number | undefined;
  /** Training steps of a run. @default 200 */
  steps: number;
  /** Pairs per step. @default 2 */
  batch: number;
  /** Prompt sets sampled per step (K). @default 2 */
  samples: number;
  /** Learning rate of AdamW. @default 3e-4 */
  lr: number;
  /** Weight that holds a candidate to the answers it starts with, on objects at random points of the images; 0 to 1000. @default 3 */
  keep: number;
  /** Crops of every image, with colors of their own, to train on beside the whole; 0 to 16. @default 4 */
  crops: number;
  /** Decay of the moving average of the weights, which becomes the candidate. @default 0.95 */
  averageDecay: number;
  /** Steps between checkpoints. @default 25 */
  checkpointEvery: number;
  /** Largest number of masks a run learns from. @default 1000 */
  maxMasks: number;
  /** Resident memory above which a run is put aside for a new process, in bytes. @default 4096 * 2 ** 20 */
  maxMemoryBytes: number;
  /** Image features kept in memory, in bytes. @default 256 * 2 ** 20 */
  featureBytes: number;
  /** Image features kept on disk, in bytes. @default 4096 * 2 ** 20 */
  cacheBytes: number;
  /** CPU threads of the frozen networks; 0: all. @default 1 */
  threads: number;
  /** Silence after which another learner may take a run over, in milliseconds. @default 60_000 */
  leaseMs: number;
  /** Starts of a run before it counts as failed. @default 50 */
  maxAttempts: number;
  /** Backend of TensorFlow.js; 'auto': the first that loads. @default 'auto' */
  engine: 'auto' | 'node-gpu' | 'node' | 'wasm';
  /** Device of the frozen networks. @default 'auto' */
  device: string;
  /** Name or folder of the model whose frozen networks are used. @default 'small' */
  model: string;
  /** Folder on this machine for runs and features. @default 'prosam/learner' */
  workDir: string;
}

const MIB = 2 ** 20;

export const LEARNER_DEFAULTS: LearnerSettings = {
  ...{ minNewMasks: 5, minImages: 5, coolDownMs: 600_000 },
  ...{ gateShare: 0.25, replayShare: 0.5, absentShare: 0.2, margin: 0, labelMargin: 0.05, minLabelPairs: 3, gatePairs: 100 },
  ...{ minGateImages: 5, folds: 4, alikeIou: 0.99, fitFrom: 5, method: 'auto' },
  ...{ steps: 200, batch: 2, samples: 2, lr: 3e-4, keep: 3, crops: 4, averageDecay: 0.95, checkpointEvery: 25, maxMasks: 1000 },
  ...{ maxMemoryBytes: 4096 * MIB, featureBytes: 256 * MIB, cacheBytes: 4096 * MIB, threads: 1 },
  ...{ leaseMs: 60_000, maxAttempts: 50, engine: 'auto', device: 'auto', model: DEFAULT_MODEL, workDir: 'prosam/learner' },
};
