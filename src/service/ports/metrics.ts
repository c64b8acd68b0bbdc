/** Metrics of the service: plain methods, so that any metrics library fits. */

export interface LearnerProgress {
  /** State of the run; 'idle' without one. */
  state: 'idle' | 'running' | 'gating';
  /** Steps done and to do; 0 of 0 when idle. */
  step: number;
  steps: number;
  /** Loss of the newest step. */
  loss?: number;
}

export interface ServiceMetrics {
  /** One stage of a prediction or refinement ('queue', 'embed', 'decode', ...). */
  stage(stage: string, milliseconds: number): void;
  /** Requests computing and waiting in front of the engine, now. */
  engineQueue(depth: { running: number; waiting: number; limit: number }): void;
  /** The process that computes: whether it answers, how often it was replaced so far, and its memory. */
  engineWorker(state: { ready: boolean; replacements: number; residentBytes: number }): void;
  /** One look into a cache. */
  cache(cache: string, outcome: 'hit' | 'miss'): void;
  /** The frozen model and the device that runs it. */
  device(baseModel: string, device: string): void;
  /** The version a project is answered with from now on. */
  serving(project: string, encoderVersion: string): void;
  learner(project: string, progress: LearnerProgress): void;
  /** Masks of one prediction that were found and left out, because their concept is probably not there. @default not counted */
  withheld?(count: number): void;
  /** One annotation acknowledged. */
  annotation(provenance: string, outcome: string): void;
  /** One refusal or failure. */
  error(code: string): void;
  /** Messages waiting, by name; names no longer there count 0. */
  messages(depth: Readonly<Record<string, number>>): void;
}

const ignore = (): void => undefined;

/** For programs that measure nothing. */
export const noMetrics: ServiceMetrics = {
  stage: ignore,
  engineQueue: ignore,
  engineWorker: ignore,
  cache: ignore,
  device: ignore,
  serving: ignore,
  learner: ignore,
  withheld: ignore,
  annotation: ignore,
  error: ignore,
  messages: ignore,
};
