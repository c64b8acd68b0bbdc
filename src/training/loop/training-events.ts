/** Events of a training run. */
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { MetricsRow } from './metrics-log.ts';
import type { StepRow, ValidationRow } from '../report/training-report.ts';
import type { Episode } from '../types.ts';

export type TrainingEvent = StartEvent | StepEvent | ValidatingEvent | ValidationEvent | CheckpointEvent | EndEvent;

export interface StartEvent {
  type: 'start';
  /** Differentiating engine, e.g. "tfjs-node 4.22.0 on libtensorflow 2.21.0, CPU". */
  engine: string;
  /** Device of the frozen networks, e.g. "cpu". */
  device: string;
  settings: Record<string, string | number>;
  /** Notes for people about the initial weights. */
  notes: readonly string[];
  /** Steps of the whole run. */
  steps: number;
  /** Those already taken. */
  done: number;
  stepsPerEpoch: number;
  /** Rows of the part before a resume. */
  history: readonly MetricsRow[];
}

export interface StepEvent {
  type: 'step';
  row: StepRow;
  /** Norm over all parameters, before clipping. */
  gradientNorm: number;
  /** Part of the step's time spent in frozen networks, 0 to 1: 0 once every image has been seen. */
  frozenShare: number;
}

/** A validation goes on. */
export interface ValidatingEvent {
  type: 'validating';
  step: number;
  /** Pairs. */
  done: number;
  total: number;
}

export interface ValidationEvent {
  type: 'validation';
  row: ValidationRow;
  /** Better than every validation before; the model folder `best` now holds it. */
  best: boolean;
  /** The same pairs every time. */
  examples: readonly ValidationExample[];
}

/** Current state of a validation pair. Every mask covers its whole image, at the size the network sees it. */
export interface ValidationExample {
  episode: Episode;
  /** Annotated mask of the reference. */
  annotation: BinaryMask;
  /** The predicted mask of the target. */
  mask: BinaryMask;
  truth: BinaryMask;
  /** 0 to 1 */
  iou: number;
}

/** The run can be resumed from here. */
export interface CheckpointEvent {
  type: 'checkpoint';
  step: number;
}

export interface EndEvent {
  type: 'end';
  reason: EndReason;
  step: number;
  /** Percent; -1 where nothing was validated. */
  bestMiou: number;
  bestStep: number;
}

/** 'interrupted': by the signal; the run can be resumed. 'no improvement': patience ran out. */
export type EndReason = 'finished' | 'interrupted' | 'no improvement';
