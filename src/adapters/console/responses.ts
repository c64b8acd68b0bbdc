/** Responses of the console's own routes, as the page gets them. */
import type { ErrorReport, ProjectInfo, ServiceStatus } from '../../service/types.ts';
import type { AnnotationSummary, ImageRow, PredictionRecord } from '../../service/ports/storage.ts';
import type { PointerChange, RunRecord, VersionRecord } from '../../service/ports/versions.ts';
import type { Access } from '../http/route.ts';
import type { RunProgress, VersionMetrics } from './version-metrics.ts';

export interface OverviewResponse {
  caller: { name: string; access: Access };
  status: ServiceStatus;
  projects: string[];
  /** Titles in the tools they come from, by project, where they are known. */
  titles: Record<string, string>;
  /** Newest first. */
  errors: ErrorView[];
}

/** An error with what to do about it. */
export interface ErrorView extends ErrorReport {
  hint?: string | undefined;
}

export interface ProjectResponse {
  info: Omit<ProjectInfo, 'run'> & { run?: RunView };
  versions: VersionView[];
  /** Changes of the version in service. */
  history: PointerView[];
  runs: RunView[];
  /** Images to label next. */
  unlabelled: ImageView[];
  annotations: AnnotationView[];
}

export interface VersionView extends Omit<VersionRecord, 'metrics'> {
  metrics: VersionMetrics;
}

export interface RunView extends Omit<RunRecord, 'progress'> {
  progress?: RunProgress;
}

export interface PredictionsResponse {
  /** Names the list; sent back, it saves sending the same one again. */
  newest: string;
  predictions?: PredictionView[];
}

export type AnnotationView = AnnotationSummary;
export type ImageView = ImageRow;
export type PredictionView = PredictionRecord;
export type PointerView = PointerChange;
