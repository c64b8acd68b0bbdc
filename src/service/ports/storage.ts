/** Ports of storage: rows, messages and bytes. One conformance suite holds every driver to these words. */
import type { BatchStore, DeliveryStore } from './batches.ts';
import type { ErasedImage, Erasure } from './erasure.ts';
import type { FitStore } from './fits.ts';
import type { CocoRle } from '../../core/mask/rle.ts';
import type { Message } from './message.ts';
import type { Provenance } from './provenance.ts';
import type { Ranking } from './ranking.ts';
import type { BlobRemoval, UpkeepStore } from './upkeep.ts';
import type { RunStore, VersionStore } from './versions.ts';

export { PROVENANCES } from './provenance.ts';
export type { ErasedImage, Erasure, Message, Provenance };

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
  /** True where its newest annotation is active, one without masks included: a person has seen it. */
  annotated: boolean;
  /** Uncertainty of the newest prediction, 0 to 1, the largest over its labels. */
  uncertainty?: number;
  /** Probability that it shows a label at all, 0 to 1, the largest over the labels of its newest prediction. */
  presence?: number;
  /** Assigned once, by the learner, for good: images of the gate are never trained on. */
  split?: 'train' | 'gate';
}

/** The tool's own name of an annotation. */
export interface AnnotationKey {
  project: string;
  /** Tool or installation, e.g. "webhook" or a Label Studio's address. */
  source: string;
  externalId: string;
}

export interface LabeledMask {
  label: string;
  /** Compressed counts, at the size of the upright image. */
  rle: CocoRle & { counts: string };
  /** Pixels in the mask. */
  area: number;
}

export interface AcceptedMask extends LabeledMask {
  /**
   * Hash of what the mask was made of, where SAM made it: equal for equal annotations, whatever the model. A repeated delivery is
   * recognized by it instead of by the mask.
   */
  sent?: string;
}

export interface AnnotationRecord extends AnnotationKey {
  /** Newer ones replace older ones; whole, 0 to 2^53 - 1. */
  revision: number;
  image: ImageFacts;
  provenance: Provenance;
  /** One mask a label; none where no object is shown. */
  masks: readonly AcceptedMask[];
  /** Labels somebody says the image does not show: none of those with a mask. @default none */
  absent?: readonly string[];
  /** No labels were named when it was sent, so `absent` is what the project had then: another list does not make it another annotation. */
  absentUnnamed?: boolean;
  /** Use as a reference before all others. @default false */
  flagged?: boolean;
  annotator?: string;
  /** Version string of the prediction it goes back to. */
  predictionVersion?: string;
  createdMs: number;
}

/**
 * - 'stored': new, or withdrawn before; durable, and counts now. - 'duplicate': the same was stored before.
 * - 'outdated': stored, but a newer revision (or deletion) counts.
 */
export type AcceptOutcome = 'stored' | 'duplicate' | 'outdated';

export interface AnnotationSummary extends AnnotationKey {
  revision: number;
  sha256: string;
  provenance: Provenance;
  flagged: boolean;
  labels: { label: string; area: number }[];
  /** Labels the image does not show. Absent: nothing is said. */
  absent?: string[];
  annotator?: string;
  createdMs: number;
  /** Grows with every stored annotation; pages go on from it. */
  sequence: number;
}

/** One label an image does not show, as somebody said: newest revision, not deleted, and no mask of the label counts in that image. */
export interface AbsenceRow {
  /** Unique in the store. */
  id: number;
  project: string;
  label: string;
  sha256: string;
  createdMs: number;
  /** Sequence number of its annotation. */
  sequence: number;
  split?: 'train' | 'gate';
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
  /** Sequence number of its annotation. */
  sequence: number;
  split?: 'train' | 'gate';
  /** Average feature of the marked cells, once the engine has described it. */
  feature?: Float32Array;
}

export interface AnnotationStore {
  /**
   * Image, annotation and messages in one transaction; durable once it resolves.
   * @throws ANNOTATION_CONFLICT where the same key and revision holds something else: neither the same masks nor masks of the same
   * annotations (`sent`)
   */
  accept(record: AnnotationRecord, messages: readonly Message[]): Promise<AcceptOutcome>;
  /** Soft delete. Without `revision` the annotation stays deleted for all later revisions. Resolves to true if it was active. */
  remove(key: AnnotationKey, revision?: number): Promise<boolean>;
  /**
   * Deactivates an annotation that is missing at its source although nobody deleted it, up to this revision, until it is accepted again, in
   * that revision or any other. Resolves to true if it was active.
   */
  withdraw(key: AnnotationKey, revision: number): Promise<boolean>;
  /** Takes a deletion back: what is accepted from now on counts again. Resolves to whether there was a deletion. */
  restore(key: AnnotationKey): Promise<boolean>;
  /** Whether one was there to flag. */
  flag(key: AnnotationKey, flagged: boolean): Promise<boolean>;
  /** Newest first, only what counts; before: sequence of the last one of the page before. limit 1 to 1,000. */
  list(project: string, options: { label?: string; before?: number; limit: number }): Promise<AnnotationSummary[]>;
  /** Best references first: flagged, then by provenance, then newest. limit 1 to 200. */
  candidates(project: string, label: string, limit: number): Promise<MaskRow[]>;
  /** Masks that count, oldest first; after: id of the last one of the page before. limit 1 to 1,000. */
  masks(project: string, options: { after?: number; limit: number }): Promise<MaskRow[]>;
  /** Absences that count, oldest first; after: id of the last one of the page before. limit 1 to 1,000. */
  absences(project: string, options: { after?: number; limit: number }): Promise<AbsenceRow[]>;
  /** Hashes of images that show none of these labels, as was said of each; the last said first. labels: 1 to 100; limit 1 to 200. */
  imagesWithout(project: string, labels: readonly string[], limit: number): Promise<string[]>;
  describe(maskId: number, feature: Float32Array): Promise<void>;
  /** Labels with masks that count, by name. newest: largest sequence. */
  concepts(project: string): Promise<{ label: string; masks: number; newest: number }[]>;
}

/** Stored prediction of one image. */
export interface PredictionRecord {
  project: string;
  sha256: string;
  /** Version string: model and references. */
  version: string;
  createdMs: number;
  masks: readonly (LabeledMask & { score: number; uncertainty: number; method: string })[];
  /** @default the uncertainty as the gain */
  ranking?: Ranking;
}

export interface ImageStore {
  /** Unknown ones are added, known ones left as they are (but for an external id they lacked). */
  add(images: readonly ImageFacts[], createdMs: number): Promise<void>;
  get(project: string, sha256: string): Promise<ImageRow | undefined>;
  /** Newest prediction of each image counts; also sets the uncertainty of the image. At most `keep` of a project stay with their masks. */
  predicted(records: readonly PredictionRecord[], keep: number): Promise<void>;
  /** Newest first; of all projects without one. limit 1 to 200. */
  predictions(options: { project?: string; limit: number }): Promise<PredictionRecord[]>;
  /** Images nobody has annotated, largest gain first, those never predicted last; page: 0-based. limit 1 to 1,000. */
  unlabelled(project: string, options: { limit: number; offset?: number }): Promise<ImageRow[]>;
  /** Only where none was assigned. */
  assignSplit(project: string, images: readonly { sha256: string; split: 'train' | 'gate' }[]): Promise<void>;
  counts(project: string): Promise<{ images: number; annotated: number; masks: number }>;
  /**
   * Erases an image of a project with its annotations, predictions and results, in one transaction, and notes an erasure. undefined: there is
   * nothing of it. Bytes and features are erased by those who read the erasures.
   */
  erase(project: string, sha256: string, nowMs: number): Promise<ErasedImage | undefined>;
  /** Oldest first; after: id of the last one of the page before. unsettled: those whose bytes may still be there. limit 1 to 1,000. */
  erasures(options: { after?: number; unsettled?: boolean; limit: number }): Promise<Erasure[]>;
  /** The bytes of an erasure are gone, or belong to another project. */
  settleErasure(id: number): Promise<void>;
  /** Whether any project knows the image. */
  isKnown(sha256: string): Promise<boolean>;
  /** Images of a project whose external id is the name, or begins with it and a colon: at most 1,000 hashes. */
  named(project: string, name: string): Promise<string[]>;
}

/** Calls end in bounded time. @throws STORAGE_FAILED, STORAGE_TIMEOUT from all of them */
export interface SignatureStore {
  /** Remembers a signature; false where it was used before, by whichever process. Those before nowMs count no more. */
  use(signature: string, times: { nowMs: number; keepUntilMs: number }): Promise<boolean>;
}

export interface Store {
  readonly annotations: AnnotationStore;
  readonly images: ImageStore;
  readonly versions: VersionStore;
  readonly runs: RunStore;
  readonly fits: FitStore;
  readonly batches: BatchStore;
  readonly deliveries: DeliveryStore;
  readonly signatures: SignatureStore;
  /** Absent: nothing is ever removed, and a backup is not held apart from it. */
  readonly upkeep?: UpkeepStore;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** Resolves where there is room to write. @throws STORAGE_FAILED where the disk is full */
  check?(): Promise<void>;
  close(): Promise<void>;
}

export interface WorkOptions {
  /** Messages handled at the same time. @default 1 */
  concurrency?: number;
  /** Not handled to the end by then: somebody else may have it. @default 60,000 */
  visibleAfterMs?: number;
  /** Failures after which a message is given up; Infinity: never. @default 5 */
  attempts?: number;
}

/** Facts for a handler beside the message. */
export interface WorkContext {
  /** Aborts when somebody wants this worker to stop. */
  signal: AbortSignal;
  /** From 1: how often this message was taken, this time included, by workers that failed or died over it. */
  attempt: number;
}

export interface Queue {
  /** All of them or none; durable once it resolves. */
  send(...messages: readonly Message[]): Promise<void>;
  /**
   * Handlers are idempotent; a handler that throws gets the message again later. A message never waits longer than it was told to, also
   * where the clock is corrected backwards.
   */
  work(name: string, handler: (data: unknown, context: WorkContext) => Promise<void>, options?: WorkOptions): Promise<() => Promise<void>>;
  /** Messages that wait or are being handled, by name. */
  depth(): Promise<Record<string, number>>;
  /** Resolves when no handler runs. What was not handled stays. */
  close(): Promise<void>;
}

export interface BlobOptions {
  /** Ends the call with its reason. */
  signal?: AbortSignal | undefined;
}

/** Content-addressed bytes: never changed once written, only removed. Every call ends in bounded time. */
export interface Blobs {
  /**
   * Durable once it resolves; hex sha256. What is there already is compared with the bytes, and written anew where it is damaged.
   * @throws STORAGE_FAILED, STORAGE_TIMEOUT, as all calls do
   */
  put(bytes: Uint8Array, options?: BlobOptions): Promise<string>;
  /** undefined: not there. @throws BLOB_DAMAGED where the bytes are not those of the name */
  get(sha256: string, options?: BlobOptions): Promise<Uint8Array | undefined>;
  has(sha256: string, options?: BlobOptions): Promise<boolean>;
  /** Path of the bytes as a file of this machine, where there is one; nothing may change it. */
  path?(sha256: string): string;
  /** Resolves when the bytes are gone, also where they were not there. */
  remove(sha256: string, options?: BlobOptions): Promise<void>;
  /** Names of all of them. */
  list(): AsyncIterable<string>;
  /** Absent: bytes are never removed. */
  readonly removal?: BlobRemoval;
  /** Resolves where bytes can be kept now. @throws STORAGE_FAILED where the disk is full or the bucket is away, STORAGE_TIMEOUT */
  check?(): Promise<void>;
  close(): Promise<void>;
}

/** Everything that outlives the process. */
export interface Storage {
  readonly store: Store;
  readonly queue: Queue;
  readonly blobs: Blobs;
  /** Closes the queue first, then the blobs, then the store. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
