/** State of a fake service, which tests read and change. */
import type {
  AnnotationService,
  ErrorReport,
  PredictionService,
  ProjectService,
  Service,
  ServiceStatus,
  VersionService,
} from '../../../src/service/types.ts';
import type { AnnotationSummary, ImageRow, PredictionRecord } from '../../../src/service/ports/storage.ts';
import type { PointerChange, RunRecord, VersionRecord } from '../../../src/service/ports/versions.ts';

export interface KnownImage {
  bytes: Uint8Array;
  width: number;
  height: number;
}

/** Group and name of a call, such as 'predictions.predict'. */
export type CallName =
  | `predictions.${keyof PredictionService}`
  | `annotations.${keyof AnnotationService}`
  | `projects.${keyof ProjectService}`
  | `versions.${keyof VersionService}`
  | 'status';

export interface FakeState {
  /** By project and sha256. */
  images: Map<string, KnownImage & ImageRow>;
  annotations: (AnnotationSummary & { request: unknown })[];
  predictions: PredictionRecord[];
  versions: VersionRecord[];
  history: PointerChange[];
  runs: RunRecord[];
  errors: ErrorReport[];
  status: ServiceStatus;
  labels: string[];
  waitingFor?: string;
  /** Names and first arguments of all calls. */
  calls: { name: CallName; args: unknown }[];
  /** Asked before each call; what it throws or rejects with is the answer. */
  before: (name: CallName, args: unknown, signal?: AbortSignal) => unknown;
}

export interface FakeService extends Service {
  state: FakeState;
}
