/** Context of the learner, its events, and the ends of a run. */
import type { LearnerSettings } from './settings.ts';
import type { FitFigures } from '../service/ports/fits.ts';
import type { Log } from '../service/ports/log.ts';
import type { Storage } from '../service/ports/storage.ts';
import type { RunRecord } from '../service/ports/versions.ts';
import type { LoadedEngine } from '../training/train-options.ts';

export interface LearnerContext {
  storage: Pick<Storage, 'store' | 'queue' | 'blobs'>;
  settings: LearnerSettings;
  engine: LoadedEngine;
  /** Release of `prosam`, kept with every version. */
  codeVersion: string;
  /** Name of this learner among others. */
  holder: string;
  now: () => number;
  log: Log;
  onEvent: (event: LearnerEvent) => void;
  /** Puts a run aside after the current step; it goes on with whoever claims it next. */
  signal: AbortSignal;
  /** Bytes the process holds. */
  memoryUsed: () => number;
}

export type LearnerEvent =
  | { type: 'waiting'; project: string; waitingFor: string }
  | RunStartEvent
  /** fold: training for the gate alone, without the images of one group, of so many. */
  | { type: 'step'; project: string; run: string; step: number; steps: number; loss: number; fold?: { number: number; of: number } }
  | { type: 'gate'; project: string; run: string; done: number; total: number }
  /** Numbers were fitted to a label and stored, whether or not they pay. */
  | ({ type: 'fit'; project: string; label: string; seconds: number } & FitFigures)
  | { type: 'end'; project: string; run: string; state: EndState; reason: string; encoderVersion?: string };

export interface RunStartEvent {
  type: 'start';
  project: string;
  run: string;
  /** 2 and more: somebody began it and did not end it. */
  attempt: number;
  /** Absent: the model's own prompt encoder. */
  parent?: string;
  images: number;
  masks: number;
  /** Masks among them that no earlier run has learned from. */
  newMasks: number;
  labels: number;
  notes: readonly string[];
}

/**
 * - 'interrupted': by the signal; the next claim goes on with it
 * - 'memory': the same, because the process held too much
 * - 'lost': the lease went to another learner, nothing was written
 */
export type EndState = Exclude<RunRecord['state'], 'running'> | 'interrupted' | 'memory' | 'lost';

export type RunOutcome =
  | { state: EndState; run: string; reason: string; encoderVersion?: string }
  /** There is too little to learn from. */
  | { state: 'waiting'; waitingFor: string }
  /** Another learner is at it, or was: until then it may come back (ms since 1970). */
  | { state: 'held'; untilMs?: number };
