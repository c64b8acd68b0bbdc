/** Everything that can be set about the learner, with the values that hold where nothing is set. */
import type { LearnerPolicy } from './policy.ts';

/** Times that a cron expression begins, each as long. */
export interface TimeWindow {
  /** Cron expression, such as "0 8 * * 1-5". */
  starts: string;
  minutes: number;
  /** Such as "Europe/Berlin". @default that of the machine */
  timeZone?: string;
}

export interface LearnerSettings extends LearnerPolicy {
  /** No run starts within these times. */
  quietHours?: TimeWindow;
  /** Runs start within these times only. */
  onlyDuring?: TimeWindow;
  /** Share of the images held back for the gate, 0.05 to 0.5. */
  gateShare: number;
  /** Share of training targets from masks that an earlier run has learned from. */
  replayShare: number;
  /** How much lower than the current version's the candidate's mIoU (0 to 1) may be. */
  margin: number;
  /** The same for each label that has `minLabelPairs` pairs. */
  labelMargin: number;
  /** Pairs of a label below which its figures are chance. */
  minLabelPairs: number;
  /** Most pairs of the gate. */
  gatePairs: number;
  steps: number;
  /** Pairs a step. */
  batch: number;
  /** Prompt sets drawn a step (K). */
  samples: number;
  lr: number;
  /** Decay of the moving average of the weights, which becomes the candidate. */
  averageDecay: number;
  /** Steps between checkpoints. */
  checkpointEvery: number;
  /** Most masks a run learns from. */
  maxMasks: number;
  /** Resident memory of the process above which a run is put aside for a new process, bytes. */
  maxMemoryBytes: number;
  /** Image features kept in memory, bytes. */
  featureBytes: number;
  /** Image features kept on disk, bytes. */
  cacheBytes: number;
  /** CPU threads of the frozen networks; 0 = all. */
  threads: number;
  /** How long a run stays this learner's when nothing is heard of it. */
  leaseMs: number;
  /** Times a run is taken up before it counts as failed. */
  maxAttempts: number;
  engine: 'auto' | 'node-gpu' | 'node' | 'wasm';
  device: string;
  /** Name or folder of the model whose frozen networks are used. */
  model: string;
  /** Folder of this machine for runs and features. */
  workDir: string;
}

const MIB = 2 ** 20;

export const LEARNER_DEFAULTS: LearnerSettings = {
  ...{ minNewMasks: 8, minImages: 6, coolDownMs: 600_000 },
  ...{ gateShare: 0.25, replayShare: 0.5, margin: 0.01, labelMargin: 0.05, minLabelPairs: 3, gatePairs: 100 },
  ...{ steps: 200, batch: 4, samples: 4, lr: 3e-4, averageDecay: 0.95, checkpointEvery: 25, maxMasks: 1000 },
  ...{ maxMemoryBytes: 4096 * MIB, featureBytes: 256 * MIB, cacheBytes: 4096 * MIB, threads: 1 },
  ...{ leaseMs: 60_000, maxAttempts: 50, engine: 'auto', device: 'auto', model: 'tiny', workDir: 'prosam/learner' },
};
