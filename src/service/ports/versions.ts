/** Ports of training runs, of the versions they led to, and of the live version of each project. */

/** A trained prompt encoder. Immutable. */
export interface VersionRecord {
  id: string;
  project: string;
  /** Counts up within the project, from 1. */
  number: number;
  /** Version it was trained from; absent: the model's own prompt encoder. */
  parent?: string;
  runId: string;
  /** Blob of the safetensors file. */
  weights: string;
  /** Name and content hash of the model whose frozen parts it belongs to. */
  baseModel: string;
  /** Fingerprint of the masks it learned from. */
  data: string;
  seed: number;
  /** Release of `prosam` that trained it. */
  code: string;
  createdMs: number;
  /** Decision of the gate. */
  outcome: 'promoted' | 'rejected';
  reason: string;
  /** Metrics of the gate and of training; plain JSON. */
  metrics: unknown;
}

/** Live version and revision of a project. */
export interface ProjectState {
  project: string;
  /** Grows whenever an annotation, a deletion, a flag or a promotion changes what predictions depend on. */
  revision: number;
  /** Version in service; absent: the model's own prompt encoder. */
  current?: string;
}

export interface PointerChange {
  project: string;
  /** Absent: the model's own prompt encoder. */
  from?: string;
  to?: string;
  reason: string;
  createdMs: number;
}

export interface VersionStore {
  state(project: string): Promise<ProjectState>;
  /** Every project that was ever heard of. */
  projects(): Promise<ProjectState[]>;
  get(id: string): Promise<VersionRecord | undefined>;
  /** Newest first; of all projects without one. limit 1 to 1,000. */
  list(options: { project?: string; limit: number }): Promise<VersionRecord[]>;
  /** Moves the pointer; to undefined: the model's own. @throws VERSION_NOT_FOUND also for a version of another project */
  promote(project: string, to: string | undefined, reason: string, nowMs: number): Promise<ProjectState>;
  /** Newest first. limit 1 to 1,000. */
  history(project: string, limit: number): Promise<PointerChange[]>;
}

export type RunState = 'running' | 'promoted' | 'rejected' | 'failed';

/** One training run of a project. */
export interface RunRecord {
  id: string;
  project: string;
  state: RunState;
  /** Learner that holds it until `leaseUntilMs`; after that another may resume it. */
  holder?: string;
  leaseUntilMs?: number;
  /** Largest annotation sequence the run learned from: what came later is new. */
  upTo: number;
  startedMs: number;
  endedMs?: number;
  /** Times somebody took it up. */
  attempts: number;
  /** Plain JSON: how far it is. */
  progress?: unknown;
  reason?: string;
  /** Id of the version it led to. */
  encoderVersion?: string;
}

/** Longest lease, in milliseconds: one that ends later was written before somebody corrected the clock, and is over. */
export const MAX_LEASE_MS = 3_600_000;

/** Whether a run is somebody's at a time. */
export function isHeld({ leaseUntilMs = 0 }: Pick<RunRecord, 'leaseUntilMs'>, nowMs: number): boolean {
  return leaseUntilMs > nowMs && leaseUntilMs <= nowMs + MAX_LEASE_MS;
}

export interface RunStore {
  /**
   * The project's running run if its lease is over (or this holder's own), otherwise a new one; undefined while another holds it. leaseMs:
   * at most `MAX_LEASE_MS`.
   * At most one run of a project is running, ever.
   */
  claim(
    project: string,
    holder: string,
    options: { id: string; upTo: number; leaseMs: number; nowMs: number },
  ): Promise<RunRecord | undefined>;
  /** false: the lease is lost, stop. */
  renew(id: string, holder: string, options: { leaseMs: number; nowMs: number; progress?: unknown }): Promise<boolean>;
  /** Gives the lease back without ending the run: the next claim goes on with it. */
  release(id: string, holder: string): Promise<void>;
  /**
   * Ends the run, with its version where it led to one, and moves the pointer where that was promoted: one transaction, so that it
   * happens once. A promotion whose parent is no longer the current version is stored as rejected instead. A version that learned from a
   * mask (`learnedFrom`, ids of `MaskRow`) that was removed meanwhile, and not just replaced by a newer one of its annotation and label, is
   * not stored at all: the run has failed.
   * false: the lease is lost, nothing was written.
   */
  finish(
    id: string,
    holder: string,
    result: { state: RunState; reason: string; version?: Omit<VersionRecord, 'number'>; learnedFrom?: readonly number[]; nowMs: number },
  ): Promise<boolean>;
  get(id: string): Promise<RunRecord | undefined>;
  /** Newest first; of all projects without one. limit 1 to 1,000. */
  list(options: { project?: string; limit: number }): Promise<RunRecord[]>;
}
