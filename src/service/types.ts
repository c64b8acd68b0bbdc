/** The one interface that labeling-tool adapters know: ask for masks, hand back what people accepted. */
import type { Annotation } from '../core/mask/annotation.ts';
import type { AcceptOutcome, AnnotationKey, AnnotationSummary, ImageRow, PredictionRecord, Provenance } from './ports/storage.ts';
import type { PointerChange, RunRecord, VersionRecord } from './ports/versions.ts';
import type {
  MaskPrediction,
  PixelImage,
  PredictOptions,
  Reference,
  RefinedMask,
  RefinePrompts,
  StageTimes,
} from '../core/engine/types.ts';

/** Bytes of an image file, or the sha256 of one the project has seen. */
export type ServiceImage = Uint8Array | { sha256: string };

export interface ServicePredictRequest {
  /** 1 to 200 letters, digits or any of . _ : @ / - */
  project: string;
  image: ServiceImage;
  /** The tool's own name of the image. */
  externalId?: string;
  /** Concepts to look for. @default every label the project has references of */
  labels?: readonly string[];
  /** Used instead of the project's own. */
  references?: readonly Reference<ServiceImage | PixelImage>[];
  options?: Omit<PredictOptions, 'signal' | 'noise'>;
  /** Ask this version instead of the current one; 'base': the model's own prompt encoder. */
  version?: string;
  /** Keep image and prediction, so that the image can be ranked and shown. @default true */
  remember?: boolean;
  /** Fair shares: one client may fill only part of the queue. @default project */
  client?: string;
  /** Interactive requests go before those of batches. @default 'interactive' */
  priority?: 'interactive' | 'batch';
}

export interface ServicePrediction {
  project: string;
  image: { sha256: string; width: number; height: number };
  /** One per label that has references, in the order asked for. */
  masks: MaskPrediction[];
  /** Labels asked for that have no reference yet. */
  missing: string[];
  /** Changes whenever model, prompt encoder or reference set change. */
  version: string;
  /** The prompt encoder: id of a version, or 'base'. */
  modelVersion: string;
  /** Name and content hash of the frozen model. */
  model: string;
  device: string;
  milliseconds: StageTimes & { queue: number };
}

/** The mask of one label while it is drawn. */
export interface MarkCanvas {
  /** Pixels of the upright image. */
  readonly width: number;
  readonly height: number;
  /** Aborts when nobody waits for the mask any more. */
  readonly signal: AbortSignal | undefined;
  /** Marks pixels; those that are set stay. @throws ANNOTATION_*, MASK_*, REQUEST_TOO_LARGE once it is too much for one annotation */
  readonly paint: (annotation: Annotation) => Promise<void>;
}

/**
 * An annotation that is read when its turn comes, so that many large masks are not in memory together. One that paints nothing
 * counts for nothing.
 */
export type DeferredAnnotation = (canvas: MarkCanvas) => Promise<void>;

/** One annotation of a label: at hand, or painted when its turn comes. */
export type AcceptedAnnotation = { label: string } & (Annotation | { draw: DeferredAnnotation });

export interface AcceptRequest extends AnnotationKey {
  revision: number;
  image: ServiceImage;
  imageExternalId?: string;
  provenance: Provenance;
  /** Annotations of one label are joined; boxes, points and scribbles are grown by SAM. None for a rejection. */
  masks: readonly AcceptedAnnotation[];
  flagged?: boolean;
  annotator?: string;
  predictionVersion?: string;
}

export interface Accepted {
  outcome: AcceptOutcome;
  image: { sha256: string; width: number; height: number };
  masks: { label: string; area: number }[];
}

export interface ConceptInfo {
  label: string;
  /** Masks that count. */
  masks: number;
  /** The images used as references, best first. */
  references: { sha256: string; provenance: Provenance; flagged: boolean }[];
}

export interface ProjectInfo {
  project: string;
  /** Of the next prediction. */
  version: string;
  modelVersion: string;
  images: number;
  annotated: number;
  masks: number;
  concepts: ConceptInfo[];
  /** Newest run, if any. */
  run?: RunRecord;
  /** What keeps the next run from starting, for people to read; absent when one runs or is due. */
  waitingFor?: string;
}

export interface ServiceStatus {
  /** Ready to answer. */
  ready: boolean;
  /** Why not, or what works only in part. */
  problems: string[];
  model: string;
  device: string;
  startedMs: number;
  /** Requests computing and waiting in front of the engine. */
  queue: { running: number; waiting: number; limit: number };
  /** Messages waiting, by name. */
  messages: Record<string, number>;
  /** Versions loaded, by project. */
  serving: { project: string; modelVersion: string; since: number }[];
  learner: 'child' | 'elsewhere' | 'off';
}

export interface ErrorReport {
  createdMs: number;
  code: string;
  message: string;
  where: string;
}

export interface Service {
  /** @throws SERVICE_BUSY, CLIENT_BUSY, REFERENCE_MISSING, IMAGE_*, VERSION_NOT_FOUND, ... */
  predict(request: ServicePredictRequest, options?: { signal?: AbortSignal }): Promise<ServicePrediction>;
  /** SAM's own points and boxes on one image. */
  refine(
    request: { project: string; image: ServiceImage; prompts: RefinePrompts; client?: string },
    options?: { signal?: AbortSignal },
  ): Promise<{ masks: RefinedMask[]; width: number; height: number }>;
  /** Computes what does not depend on references, so that a later call answers at once. */
  embed(
    request: { project: string; image: ServiceImage; externalId?: string; client?: string },
    options?: { signal?: AbortSignal },
  ): Promise<{ sha256: string; width: number; height: number }>;
  /** Durable once it resolves. @throws ANNOTATION_*, MASK_*, IMAGE_* */
  accept(request: AcceptRequest, options?: { signal?: AbortSignal }): Promise<Accepted>;
  /** Gone from the references once it resolves. Whether anything counted before. */
  remove(key: AnnotationKey, revision?: number): Promise<boolean>;
  /**
   * Missing where it came from, though nobody deleted it: up to this revision it counts for nothing, until it is accepted again, in that
   * revision or any other. Whether anything counted before.
   */
  withdraw(key: AnnotationKey, revision: number): Promise<boolean>;
  /** Takes a deletion back: what is accepted from now on counts again. Whether there was a deletion. */
  restore(key: AnnotationKey): Promise<boolean>;
  flag(key: AnnotationKey, flagged: boolean): Promise<boolean>;
  annotations(project: string, options: { label?: string; before?: number; limit: number }): Promise<AnnotationSummary[]>;
  project(project: string): Promise<ProjectInfo>;
  projects(): Promise<string[]>;
  /** What to label next: most uncertain first. */
  unlabelled(project: string, options: { limit: number; offset?: number }): Promise<ImageRow[]>;
  /** Newest first. */
  predictions(options: { project?: string; limit: number }): Promise<PredictionRecord[]>;
  imageBytes(project: string, sha256: string): Promise<Uint8Array>;
  versions(options: { project?: string; limit: number }): Promise<VersionRecord[]>;
  version(id: string): Promise<VersionRecord>;
  history(project: string, limit: number): Promise<PointerChange[]>;
  /** 'base': the model's own prompt encoder. In service here once it resolves. @throws VERSION_NOT_FOUND, PROMPT_ENCODER_MISMATCH, ... */
  promote(project: string, version: string, reason: string): Promise<void>;
  /** The version before the current one. @throws VERSION_NOT_FOUND */
  rollback(project: string, reason: string): Promise<{ version: string }>;
  /** Asks the learner for a run now, whatever its policy; answers at once. */
  train(project: string): Promise<void>;
  runs(options: { project?: string; limit: number }): Promise<RunRecord[]>;
  status(): Promise<ServiceStatus>;
  /** Newest first. */
  errors(): ErrorReport[];
}
