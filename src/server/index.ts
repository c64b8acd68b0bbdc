/** `prosam/server`: the whole service in one call, and the names that adapters of further tools are written with. */
export { createServer } from './create-server.ts';
export type { CreateServerOptions, ProsamServer } from './create-server.ts';

// Configuration.
export { loadConfig, serverConfig } from './config.ts';
export type { ConfigSources } from './config.ts';
export type { ProsamConfig, ProsamSettings } from './config-types/config.ts';
export type { AuthConfig, BasicGrant, Grant, HmacGrant, TokenGrant } from './config-types/auth.ts';
export type { CvatConfig } from './config-types/cvat.ts';
export type { LabelStudioConfig } from './config-types/label-studio.ts';
export type {
  CallbacksConfig,
  ImagesConfig,
  LearnerConfig,
  LimitsConfig,
  HttpConfig,
  LogConfig,
  PruneConfig,
  ReferencesConfig,
  StorageTimeoutsConfig,
} from './config-types/sections.ts';

// The service, in groups.
export type {
  Accepted,
  AcceptRequest,
  AnnotationService,
  ConceptInfo,
  DeferredAnnotation,
  ErrorReport,
  LearnerRun,
  AnnotationCanvas,
  PredictionService,
  ProjectInfo,
  ProjectService,
  Service,
  ServiceImage,
  ServicePrediction,
  ServicePredictRequest,
  ServiceStatus,
  VersionService,
} from '../service/types.ts';

// Ports: what the service asks of storage, queue, object store and log.
export type {
  AcceptOutcome,
  AnnotationKey,
  AnnotationRecord,
  AnnotationStore,
  AnnotationSummary,
  BlobOptions,
  Blobs,
  ImageFacts,
  ImageRow,
  ImageStore,
  LabeledMask,
  MaskRow,
  PredictionRecord,
  Provenance,
  Queue,
  SignatureStore,
  Storage,
  Store,
  WorkOptions,
} from '../service/ports/storage.ts';
export type { BatchItem, BatchRecord, BatchStore, DeliveryRecord, DeliveryStore } from '../service/ports/batches.ts';
export type { PointerChange, ProjectState, RunRecord, RunStore, VersionRecord, VersionStore } from '../service/ports/versions.ts';
export type { Log } from '../service/ports/log.ts';
export type { Message } from '../service/ports/message.ts';
export { openStorage } from '../storage/open-storage.ts';
export type { StorageOptions } from '../storage/open-storage.ts';

// Routes; `prosam/http` has the parts that serve them.
export { route } from '../adapters/http/route.ts';
export type { Access, Caller, Route, RouteResponse, RouteContext, ServerEvent } from '../adapters/http/route.ts';
export type { HttpApp } from '../adapters/http/http-app.ts';
export type { ImageInputJson, ImageSources } from '../adapters/http/images/image-input.ts';
