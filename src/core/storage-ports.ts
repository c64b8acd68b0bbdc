/** What the service needs kept: rows, messages and bytes. One conformance suite holds every driver to these words. */
import type { CocoRle } from './mask/rle.ts';

/**
 * How a mask came about, best first as a reference:
 * - 'ground_truth': checked and starred by somebody
 * - 'drawn': by hand, without a prediction
 * - 'edited': a prediction somebody corrected
 * - 'accepted': a prediction taken as it was
 * - 'rejected': a prediction somebody threw away; no mask is known
 */
export const PROVENANCES = ['ground_truth', 'drawn', 'edited', 'accepted', 'rejected'] as const;
export type Provenance = (typeof PROVENANCES)[number];

/** Work to be done later, at least once. Two messages of one name and key that both wait are one. */
export interface Message {
  name: string;
  /** Plain JSON. */
  data: unknown;
  /** Messages of this name with the same key are one while they wait. */
  key?: string;
  /** Not before this many milliseconds from now. @default 0 */
  delayMs?: number;
}

export interface ImageFacts {
  project: string;
  /** Hex sha256 of the file; its bytes are the blob of that name. */
  sha256: string;
  /** Pixels of the upright image. */
  width: number;
  height: number;
  /** The tool's own name of the image. */
  externalId?: string;
}

export interface ImageRow extends ImageFacts {
  createdMs: number;
  /** Somebody's newest annotation of it counts (rejected ones do too: a person has seen it). */
  annotated: boolean;
  /** Of the newest prediction, 0..1, the largest over its labels. */
  uncertainty?: number;
  /** Assigned once, by the learner, for good: images of the gate are never trained on. */
  split?: 'train' | 'gate';
}

/** The tool's own name of an annotation. */
export interface AnnotationKey {
  project: string;
  /** Which tool or installation, e.g. "webhook" or a Label Studio's address. */
  source: string;
  externalId: string;
}

export interface LabelledMask {
  label: string;
  /** Compressed counts, at the size of the upright image. */
  rle: CocoRle & { counts: string };
  /** Pixels in the mask. */
  area: number;
}

export interface AnnotationRecord extends AnnotationKey {
  /** Newer ones replace older ones; whole, 0 to 2^53 - 1. */
  revision: number;
  image: ImageFacts;
  provenance: Provenance;
  /** One mask a label; none for a rejection. */
  masks: readonly LabelledMask[];
  /** Use as a reference before all others. @default false */
  flagged?: boolean;
  annotator?: string;
  /** Version string of the prediction it goes back to. */
  predictionVersion?: string;
  createdMs: number;
}

/** - 'stored': new, durable now. - 'duplicate': the same was stored before. - 'outdated': stored, but a newer revision (or deletion) counts. */
export type AcceptOutcome = 'stored' | 'duplicate' | 'outdated';

export interface AnnotationSummary extends AnnotationKey {
  revision: number;
  sha256: string;
  provenance: Provenance;
  flagged: boolean;
  labels: { label: string; area: number }[];
  annotator?: string;
  createdMs: number;
  /** Grows with every stored annotation; pages go on from it. */
  sequence: number;
}

/** One mask that counts: newest revision, not deleted, not rejected. */
export interface MaskRow {
  /** Unique in the store. */
  id: number;
  project: string;
  label: string;
  sha256: string;
  rle: CocoRle & { counts: string };
  area: number;
  provenance: Provenance;
  flagged: boolean;
  createdMs: number;
  /** Of its annotation. */
  sequence: number;
  split?: 'train' | 'gate';
  /** Average feature of the marked cells, once the engine has described it. */
  feature?: Float32Array;
}

export interface AnnotationStore {
  /**
   * Image, annotation and messages in one transaction; durable once it resolves.
   * @throws ANNOTATION_CONFLICT where the same key and revision holds something else
   */
  accept(record: AnnotationRecord, messages: readonly Message[]): Promise<AcceptOutcome>;
  /** What is deleted counts for nothing from now on. Without a revision no later one brings it back. Resolves to whether anything counted before. */
  remove(key: AnnotationKey, revision?: number): Promise<boolean>;
  /** Whether one was there to flag. */
  flag(key: AnnotationKey, flagged: boolean): Promise<boolean>;
  /** Newest first, only what counts; before: sequence of the last one of the page before. limit 1 to 1,000. */
  list(project: string, options: { label?: string; before?: number; limit: number }): Promise<AnnotationSummary[]>;
  /** Best references first: flagged, then by provenance, then newest. limit 1 to 200. */
  candidates(project: string, label: string, limit: number): Promise<MaskRow[]>;
  /** Masks that count, oldest first; after: id of the last one of the page before. limit 1 to 1,000. */
  masks(project: string, options: { after?: number; limit: number }): Promise<MaskRow[]>;
  describe(maskId: number, feature: Float32Array): Promise<void>;
  /** Labels with masks that count, by name. newest: largest sequence. */
  concepts(project: string): Promise<{ label: string; masks: number; newest: number }[]>;
}

/** What the engine said of one image. */
export interface PredictionRecord {
  project: string;
  sha256: string;
  /** Version string: model and references. */
  version: string;
  createdMs: number;
  masks: readonly (LabelledMask & { score: number; uncertainty: number; method: string })[];
}

export interface ImageStore {
  /** Unknown ones are added, known ones left as they are (but for an external id they lacked). */
  add(images: readonly ImageFacts[], createdMs: number): Promise<void>;
  get(project: string, sha256: string): Promise<ImageRow | undefined>;
  /** Newest prediction of each image counts; also sets the uncertainty of the image. At most `keep` of a project stay with their masks. */
  predicted(records: readonly PredictionRecord[], keep: number): Promise<void>;
  /** Newest first; of all projects without one. limit 1 to 200. */
  predictions(options: { project?: string; limit: number }): Promise<PredictionRecord[]>;
  /** Images nobody has annotated, most uncertain first, those never predicted last; page: 0-based. limit 1 to 1,000. */
  unlabelled(project: string, options: { limit: number; offset?: number }): Promise<ImageRow[]>;
  /** Only where none was assigned. */
  assignSplit(project: string, images: readonly { sha256: string; split: 'train' | 'gate' }[]): Promise<void>;
  counts(project: string): Promise<{ images: number; annotated: number; masks: number }>;
}

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
  /** Id of the model whose frozen parts it belongs to. */
  model: string;
  /** Fingerprint of the masks it learned from. */
  data: string;
  seed: number;
  /** Of `prosam`. */
  code: string;
  createdMs: number;
  /** What the gate said. */
  outcome: 'promoted' | 'rejected';
  reason: string;
  /** Figures of the gate and of training; plain JSON. */
  metrics: unknown;
}

/** What a project stands at. */
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
  /** Who holds it, until when (ms since 1970); after that another may go on with it. */
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
  /** The version it led to. */
  version?: string;
}

export interface RunStore {
  /**
   * The project's running run if its lease is over (or this holder's own), otherwise a new one; undefined while another holds it.
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
   * happens once. A promotion whose parent is no longer the current version is stored as rejected instead.
   * false: the lease is lost, nothing was written.
   */
  finish(
    id: string,
    holder: string,
    result: { state: RunState; reason: string; version?: Omit<VersionRecord, 'number'>; nowMs: number },
  ): Promise<boolean>;
  get(id: string): Promise<RunRecord | undefined>;
  /** Newest first; of all projects without one. limit 1 to 1,000. */
  list(options: { project?: string; limit: number }): Promise<RunRecord[]>;
}

/** Many images to predict, asked for at once. Items and results are plain JSON. */
export interface BatchRecord {
  id: string;
  project: string;
  createdMs: number;
  /** Set once no item waits any more. */
  endedMs?: number;
  /** What was asked for, but for the images. */
  request: unknown;
  total: number;
  done: number;
  failed: number;
  cancelled: boolean;
}

export interface BatchItem {
  index: number;
  input: unknown;
  state: 'waiting' | 'done' | 'failed';
  result?: unknown;
}

export interface BatchStore {
  /** Batch, items and message in one transaction. */
  create(batch: Pick<BatchRecord, 'id' | 'project' | 'createdMs' | 'request'>, inputs: readonly unknown[], message: Message): Promise<void>;
  get(id: string): Promise<BatchRecord | undefined>;
  /** By index, after the one given. limit 1 to 1,000. */
  items(id: string, options: { after?: number; limit: number; state?: BatchItem['state'] }): Promise<BatchItem[]>;
  /** Stores a result once (a second one for the same item changes nothing). With the last one the batch ends and the messages are sent, in the same transaction. */
  settle(
    id: string,
    index: number,
    result: { state: 'done' | 'failed'; result: unknown; nowMs: number },
    whenEnded: readonly Message[],
  ): Promise<BatchRecord>;
  /** Items that wait are given up; the batch ends. */
  cancel(id: string, nowMs: number): Promise<BatchRecord | undefined>;
}

/** Something to be pushed to an address of the user. */
export interface DeliveryRecord {
  id: string;
  project: string;
  url: string;
  /** Plain JSON. */
  body: unknown;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  createdMs: number;
  lastError?: string;
}

export interface DeliveryStore {
  add(delivery: Pick<DeliveryRecord, 'id' | 'project' | 'url' | 'body' | 'createdMs'>, message: Message): Promise<void>;
  get(id: string): Promise<DeliveryRecord | undefined>;
  /** One attempt more; messages (the next attempt) in the same transaction. */
  attempted(id: string, result: { state: DeliveryRecord['state']; lastError?: string }, messages: readonly Message[]): Promise<void>;
  /** Newest first. limit 1 to 1,000. */
  list(options: { project?: string; state?: DeliveryRecord['state']; limit: number }): Promise<DeliveryRecord[]>;
}

export interface Store {
  readonly annotations: AnnotationStore;
  readonly images: ImageStore;
  readonly versions: VersionStore;
  readonly runs: RunStore;
  readonly batches: BatchStore;
  readonly deliveries: DeliveryStore;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface WorkOptions {
  /** Messages handled at the same time. @default 1 */
  concurrency?: number;
  /** Not handled to the end by then: somebody else may have it. @default 60,000 */
  visibleAfterMs?: number;
  /** Failures after which a message is given up. @default 5 */
  attempts?: number;
}

export interface Queue {
  send(message: Message): Promise<void>;
  /** Handlers are idempotent; a handler that throws gets the message again later. signal: somebody wants this worker to stop. */
  work(
    name: string,
    handler: (data: unknown, context: { signal: AbortSignal }) => Promise<void>,
    options?: WorkOptions,
  ): Promise<() => Promise<void>>;
  /** Messages that wait or are being handled, by name. */
  depth(): Promise<Record<string, number>>;
  /** Resolves when no handler runs. What was not handled stays. */
  close(): Promise<void>;
}

/** Content-addressed bytes: never changed once written. */
export interface Blobs {
  /** Durable once it resolves; hex sha256. */
  put(bytes: Uint8Array): Promise<string>;
  /** undefined: not there. @throws BLOB_DAMAGED where the bytes are not those of the name */
  get(sha256: string): Promise<Uint8Array | undefined>;
  has(sha256: string): Promise<boolean>;
  /** Names of all of them. */
  list(): AsyncIterable<string>;
  close(): Promise<void>;
}

/** Everything that outlives the process. */
export interface Storage {
  readonly store: Store;
  readonly queue: Queue;
  readonly blobs: Blobs;
  /** Queue first, then blobs, then the store. */
  close(): Promise<void>;
}
