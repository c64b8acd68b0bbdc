/** Service interface that adapters of labeling tools know: masks out, accepted annotations in. */
import type { Accepted, AcceptRequest, ServiceImage } from './accept-types.ts';
import type { ServicePart } from './health.ts';
import type { LabelCurve } from './learning/curve.ts';
import type { LearningLine } from './learning/lines.ts';
import type { FitFigures } from './ports/fits.ts';
import type { AnnotationKey, AnnotationSummary, ErasedImage, ImageRow, PredictionRecord, Provenance } from './ports/storage.ts';
import type { PointerChange, RunRecord, VersionRecord } from './ports/versions.ts';
import type {
  MaskPrediction,
  PixelImage,
  PredictOptions,
  Reference,
  RefinedMask,
  RefinePrompts,
  StageTimes,
  TrackedFrame,
  TrackState,
} from '../core/engine/types.ts';

export type * from './accept-types.ts';

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
  /** Trained prompt encoder to use, the id of a version, or 'base': the model's own. @default the live one */
  encoderVersion?: string;
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
  /** Labels of the project beyond those of one request, which were not looked for: name them in another one. Absent: none. */
  omitted?: string[];
  /** Remarks on what is not as it should be although there is a prediction, for people to read. Absent: none. */
  notices?: string[];
  /** Fingerprint of what answered: model, method, prompt encoder where the method may use it, references, options. Changes when masks may. */
  version: string;
  /** Trained prompt encoder: id of a version, or 'base', the model's own. */
  encoderVersion: string;
  /** Name and content hash of the frozen model, such as 'tiny@9a897d329434'. */
  baseModel: string;
  device: string;
  milliseconds: StageTimes & { queue: number };
}

/** One step of a track: an object marked in one frame, looked for in another. */
export interface ServiceTrackRequest {
  /** 1 to 200 letters, digits or any of . _ : @ / - */
  project: string;
  /** The frame it is looked for in. */
  image: ServiceImage;
  /** The frame it was marked in. */
  first: Reference<ServiceImage>;
  /** The frame it was found in last, with the mask that was found. */
  recent?: Reference<ServiceImage> | undefined;
  /** `state` of the step before. @default a track that begins */
  state?: TrackState | undefined;
  /** Fair shares: one client may fill only part of the queue. @default project */
  client?: string;
}

/** Prediction whose version string is asked for. */
export interface AskedVersion {
  /** Concepts to look for. @default every label the project has references of */
  labels?: readonly string[];
  /** Options of the prediction. */
  options?: ServicePredictRequest['options'];
  /** Settings of an adapter that change what it makes of a mask. @default none */
  form?: Readonly<Record<string, boolean | number | string | undefined>>;
}

export interface ConceptInfo {
  label: string;
  /** Number of active masks. */
  masks: number;
  /** The images used as references, best first. */
  references: { sha256: string; provenance: Provenance; flagged: boolean }[];
  /** Figures of the numbers that the learner has fitted to the label, if it has; predictions use them where they are better than none. */
  fit?: FitFigures;
}

export interface ProjectInfo {
  project: string;
  /** Version string that the next prediction will carry. */
  version: string;
  /** Live prompt encoder: id of a version, or 'base', the model's own. */
  encoderVersion: string;
  images: number;
  annotated: number;
  masks: number;
  concepts: ConceptInfo[];
  /** Newest run, if any. */
  run?: RunRecord;
  /** Reason why the next run does not start, for people to read; absent when one runs or is due. */
  waitingFor?: string;
  /** IoU on held-out images after each gate, by label; empty where nothing was measured yet. */
  curve: LabelCurve[];
}

/** 'managed': a child process of the service; 'external': `prosam learn`, on any machine; 'off': no learner. */
export type LearnerRun = 'managed' | 'external' | 'off';

export interface ServiceStatus {
  /** Ready to answer. */
  ready: boolean;
  /** Parts that do not work or take nothing now, such as a full disk of 'objects'; what does not need them is answered. */
  failing: ServicePart[];
  /** Reasons why not, or parts that do not work. */
  problems: string[];
  /** Name and content hash of the frozen model. */
  baseModel: string;
  device: string;
  startedMs: number;
  /** Requests computing and waiting in front of the engine. */
  engineQueue: { running: number; waiting: number; limit: number };
  /** Messages waiting, by name. */
  messages: Record<string, number>;
  /** Live prompt encoder of each project, and when it went live (ms since 1970). */
  serving: { project: string; encoderVersion: string; since: number }[];
  /** Process that trains: a child of this one, one started elsewhere (`prosam learn`), or none. */
  learner: LearnerRun;
  /** Activity of the learner in each of the projects served here, or what it waits for. At most 20. */
  learning: LearningLine[];
}

export interface ErrorReport {
  createdMs: number;
  code: string;
  message: string;
  where: string;
}

/** Masks, and what makes them quick. */
export interface PredictionService {
  /**
   * Masks of labels in one image, from the references of the project or from those of the request.
   * @throws SERVICE_BUSY, CLIENT_BUSY, REFERENCE_MISSING, IMAGE_*, VERSION_NOT_FOUND, ...
   */
  predict(request: ServicePredictRequest, options?: { signal?: AbortSignal }): Promise<ServicePrediction>;
  /** SAM's own points and boxes on one image. @throws SERVICE_BUSY, CLIENT_BUSY, IMAGE_* */
  refine(
    request: { project: string; image: ServiceImage; prompts: RefinePrompts; client?: string },
    options?: { signal?: AbortSignal },
  ): Promise<{ masks: RefinedMask[]; width: number; height: number; notices?: string[] }>;
  /** Finds an object that was marked in one frame in a later one, by its look. @throws SERVICE_BUSY, CLIENT_BUSY, IMAGE_*, ANNOTATION_*, OPTION_INVALID */
  track(request: ServiceTrackRequest, options?: { signal?: AbortSignal }): Promise<TrackedFrame>;
  /** Computes the image features ahead of time, so that a later call answers at once, and remembers the image. @throws IMAGE_* */
  prepare(
    request: { project: string; image: ServiceImage; externalId?: string; client?: string },
    options?: { signal?: AbortSignal },
  ): Promise<{ sha256: string; width: number; height: number }>;
  /** Stored predictions with their masks, newest first. */
  list(options: { project?: string; limit: number }): Promise<PredictionRecord[]>;
}

/** Accepted, edited and rejected annotations: the source of references and training targets. */
export interface AnnotationService {
  /** Stores an annotation; durable once it resolves. @throws ANNOTATION_*, MASK_*, IMAGE_* */
  accept(request: AcceptRequest, options?: { signal?: AbortSignal }): Promise<Accepted>;
  /**
   * Soft delete: out of the references once it resolves. Without `revision` the annotation stays deleted for all later revisions.
   * Resolves to true if it was active.
   */
  delete(key: AnnotationKey, revision?: number): Promise<boolean>;
  /**
   * Deactivates an annotation that is missing at its source although nobody deleted it, up to this revision; accepting it again, in that
   * revision or any other, activates it again. Resolves to true if it was active.
   */
  withdraw(key: AnnotationKey, revision: number): Promise<boolean>;
  /** Undoes a delete: revisions accepted from now on are active again. Resolves to true if there was one. */
  restore(key: AnnotationKey): Promise<boolean>;
  /** Prefers an annotation as a reference, or no longer. Resolves to false if no such annotation is active. */
  flag(key: AnnotationKey, flagged: boolean): Promise<boolean>;
  /** Active annotations, newest first. before: `sequence` of the last one of the page before. */
  list(project: string, options: { label?: string; before?: number; limit: number }): Promise<AnnotationSummary[]>;
}

/** Projects: their state, the next images to annotate, and their training. */
export interface ProjectService {
  /** Names of all projects. */
  list(): Promise<string[]>;
  /** State of one project: labels, references, version, newest training run. asked: prediction that `version` is of. @default one without options */
  get(project: string, asked?: AskedVersion): Promise<ProjectInfo>;
  /** Images without an annotation, those first that are expected to teach most. limit 1 to 1,000. */
  nextImages(project: string, options: { limit: number; offset?: number }): Promise<ImageRow[]>;
  /** Requests a training run now, whatever the learner's policy; returns at once. */
  train(project: string): Promise<void>;
  /** Training runs, newest first. */
  runs(project: string, options: { limit: number }): Promise<RunRecord[]>;
  /** Changes of the live version, newest first. */
  history(project: string, options: { limit: number }): Promise<PointerChange[]>;
  /** Deploys the version before the live one. @throws VERSION_NOT_FOUND */
  rollback(project: string, reason: string): Promise<{ encoderVersion: string }>;
  /** Bytes of an image the project has seen. @throws IMAGE_UNKNOWN */
  imageBytes(project: string, sha256: string): Promise<Uint8Array>;
  /**
   * Erases an image and all that came of it in a project: bytes (unless another project has them), annotations, references, predictions,
   * results of jobs, features. Durable once it resolves; undefined where there is nothing of it. It comes back when it is sent again, and
   * weights that learned from it stay: their versions are named.
   */
  eraseImage(project: string, sha256: string): Promise<ErasedImage | undefined>;
  /** Hashes of images whose external id is the name, or begins with it and a colon. */
  imagesNamed(project: string, name: string): Promise<string[]>;
}

/** Trained versions of the prompt encoder. */
export interface VersionService {
  /** Newest first. */
  list(options: { project?: string; limit: number }): Promise<VersionRecord[]>;
  /** @throws VERSION_NOT_FOUND */
  get(id: string): Promise<VersionRecord>;
  /**
   * Deploys a version by its id to its project, or 'base', the model's own prompt encoder; live in this process once it resolves.
   * @throws VERSION_NOT_FOUND, PROMPT_ENCODER_MISMATCH, CHECKPOINT_INVALID
   */
  promote(project: string, id: string, reason: string): Promise<void>;
}

/** The whole service, in groups; an adapter takes those it needs, such as `Pick<Service, 'predictions' | 'annotations'>`. */
export interface Service {
  readonly predictions: PredictionService;
  readonly annotations: AnnotationService;
  readonly projects: ProjectService;
  readonly versions: VersionService;
  /**
   * Readiness, problems, load, and the live version of every project.
   * visible: whether a project may be seen; adapters' problems, which may name any, are left out then. @default all
   */
  status(visible?: (project: string) => boolean): Promise<ServiceStatus>;
  /** Recent errors of the service itself, newest first. */
  errors(): ErrorReport[];
}
