/** Types that parts of the Label Studio adapter exchange, and its options. */
import type { Log } from '../../service/ports/log.ts';
import type { Queue } from '../../service/ports/storage.ts';
import type { ServiceMetrics } from '../../service/ports/metrics.ts';
import type { CleanOptions } from '../../core/mask/clean-mask.ts';
import type { LearningLine } from '../../service/learning/lines.ts';
import type { Service, ServiceImage } from '../../service/types.ts';
import type { ImageSources } from '../http/images/image-input.ts';
import type { MlAnnotation, MlTask } from './protocol/request-schemas.ts';
import type { WrittenRegion } from './protocol/write-region.ts';

/** Connection to one project of one Label Studio. The token never leaves memory. */
export interface Connection {
  /** Key in Label Studio's format: `<id>.<seconds>`. */
  key: string;
  /** Number of the project there. */
  projectId: number;
  /** Name of the project in the service. */
  project: string;
  /** Address of Label Studio, without a slash at its end, as the options say; '' where they do not. Never of a request. */
  hostname: string;
  /** Token from the options or from /setup; sent to `hostname` alone. */
  token?: string;
  /** The labeling configuration, as XML. */
  labelConfig: string;
  /** JSON of the connection's "extra params" field. */
  extraParams: Readonly<Record<string, unknown>>;
}

/**
 * Bytes of one image of a task. value: what the task's data holds under the name the labeling configuration gives:
 * '/data/upload/...', 's3://...', 'https://...' or a data: URI.
 * @throws URL_REFUSED, URL_FAILED, IMAGE_*
 */
export type FetchImage = (
  task: Pick<MlTask, 'id' | 'data'>,
  value: string,
  connection: Connection,
  options?: { signal?: AbortSignal },
) => Promise<ServiceImage>;

/** A prediction on its way to Label Studio, as POST /api/predictions takes it. */
export interface PushedPrediction {
  task: number | string;
  result: readonly WrittenRegion[];
  /** 0..1 */
  score: number;
  model_version: string;
}

/** Calls the adapter makes on Label Studio by itself. */
export interface LabelStudioApi {
  /** All or as many as it takes; rejects where Label Studio cannot be reached. */
  pushPredictions(connection: Connection, predictions: readonly PushedPrediction[], options?: { signal?: AbortSignal }): Promise<void>;
  /** Submitted annotations of one task, as the API gives them; parsed by the adapter. */
  listAnnotations(connection: Connection, task: number | string, options?: { signal?: AbortSignal }): Promise<unknown[]>;
  /** Called once a project is set up and whenever its address or token change: repair of webhooks, a first reconciliation. Not waited for. */
  connected?(connection: Connection): void;
  /**
   * Called once a batch is answered in a version. tasks: those that have predictions of earlier versions. Label Studio stores the answer a
   * moment later. Not waited for.
   */
  answered?: (connection: Connection, version: string, tasks: readonly (number | string)[]) => void;
  /** Brings everything up to date before a run of training. */
  beforeTraining?(connection: Connection, options?: { signal?: AbortSignal }): Promise<void>;
}

export interface LabelStudioOptions {
  service: Pick<Service, 'predictions' | 'annotations' | 'projects'>;
  images: ImageSources;
  /** Activity of the learner, or what it waits for, for the answer to /health. visible: whether a project may be seen. @default nothing is said */
  learning?: (visible?: (project: string) => boolean) => Promise<readonly LearningLine[]>;
  /** @default images named by http(s) address or data: URI are read, all others refused */
  fetchImage?: FetchImage;
  /** Without it nothing is pushed or pulled: what comes late stays in the service until Label Studio asks again. */
  api?: LabelStudioApi;
  /** Keeps events before they are answered; without one they are lost when the process ends. */
  queue?: Queue;
  /** @default silent */
  log?: Log;
  /** Begins the names of projects, and is the source of annotations; give each Label Studio its own where there are several. @default 'label-studio' */
  name?: string;
  /** Address of Label Studio as seen from here. Without it /setup is refused: what a request names is never connected to. */
  hostname?: string;
  /** Instead of the token that /setup brings. */
  token?: string;
  limits?: LabelStudioLimits;
  /** One region for each separate object of a mask, instead of one a label. @default false */
  instances?: boolean;
  /** Least probability of a concept for its regions to be answered, 0 to 1. @default 0.4 with `small`, 0 with other models */
  threshold?: number;
  /** Specks and holes of masks. @default {}, as the engine has it */
  cleaning?: CleanOptions;
  /** Pixels that polygons may deviate from their mask, 0 to 100. @default 1, or a thousandth of the longer side */
  tolerance?: number;
  /** Counts what fails. @default nothing is counted */
  metrics?: Pick<ServiceMetrics, 'error'>;
  /** Lists what fails, with the name of the project, for people to read. @default nothing is listed */
  report?: ((error: unknown, where: string) => void) | undefined;
  /** Milliseconds that only go forward. @default performance.now */
  clockMs?: () => number;
}

export interface LabelStudioLimits {
  /** A batch is answered with what is ready by then; the rest is pushed. Below Label Studio's 100,000. @default 80,000 */
  softDeadlineMs?: number;
  /** The same for a single task: it opens without its prediction rather than late. @default 20,000 */
  openDeadlineMs?: number;
  /** Images of batches in work at the same time, of all batches together. @default 4 */
  concurrency?: number;
  /** Largest request. @default 256 MiB */
  maxBodyBytes?: number;
  /** Tasks in one request. @default 10,000 */
  maxTasks?: number;
  /** Largest mask, in pixels. @default 100 million */
  maxPixels?: number;
  /** Milliseconds that /setup may wait for the version. @default 2000 */
  setupMs?: number;
}

/** Handling of annotations, whichever way they arrived. */
export interface AnnotationRecorder {
  /**
   * Idempotent on project, annotation and its updated_at. again: hand it to the service although it was handed over before.
   * @throws what service.annotations.accept throws
   */
  record(
    connection: Connection,
    task: Pick<MlTask, 'id' | 'data' | 'meta'>,
    annotation: MlAnnotation,
    options?: { signal?: AbortSignal; again?: boolean },
  ): Promise<RecordOutcome>;
  /** A person deleted it: counts for nothing from now on. */
  remove(connection: Connection, annotationId: number | string): Promise<boolean>;
  /** A person deleted these tasks: what was recorded of them since the start counts for nothing from now on. -> how many counted */
  removeTasks(connection: Connection, tasks: readonly (number | string)[]): Promise<number>;
  /** It is missing in Label Studio, and nobody said why: counts for nothing until it is recorded again. */
  withdraw(connection: Connection, annotationId: number | string, counted: readonly CountedAnnotation[]): Promise<boolean>;
  /** Takes a removal back: what is recorded from now on counts again. */
  restore(connection: Connection, task: Pick<MlTask, 'data'>, annotationId: number | string): Promise<void>;
}

/** Active record of an annotation in the service: one for each of its images. */
export interface CountedAnnotation {
  externalId: string;
  revision: number;
}

/** - 'stored' and 'duplicate' as of the service - 'nothing': no masks in it */
export type RecordOutcome = 'stored' | 'duplicate' | 'outdated' | 'nothing';
