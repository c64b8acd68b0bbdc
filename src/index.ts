/** `prosam`: everything a program needs to find one object in many images. */
export * from './core/public.ts';
export { createEngine } from './core/runtime/node/create-engine.ts';
export { pngFromMask, uncertaintyPng } from './core/image/node/mask-png.ts';
export type { EngineOptions } from './core/runtime/node/open-engine.ts';
export type { Device } from './core/runtime/devices/devices.ts';
export type { EngineWorker } from './core/engine/types.ts';

// The service, and the words that adapters of further tools need; prosam/http has the HTTP parts all adapters share.
export { createProsam } from './server/lazy.ts';
export type { CreateProsamOptions, Prosam } from './server/create-server.ts';
export type {
  Accepted,
  AcceptRequest,
  ProjectInfo,
  Service,
  ServiceImage,
  ServicePrediction,
  ServicePredictRequest,
  ServiceStatus,
} from './service/types.ts';
export type {
  AcceptOutcome,
  AnnotationKey,
  AnnotationSummary,
  ImageRow,
  PredictionRecord,
  Provenance,
  Storage,
} from './service/ports/storage.ts';
export type { PointerChange, RunRecord, VersionRecord } from './service/ports/versions.ts';
export type { Log } from './service/ports/log.ts';
export { route } from './adapters/http/route.ts';
export type { Access, Caller, Route, RouteAnswer, RouteContext, ServerEvent } from './adapters/http/route.ts';
export type { ImageInputJson, ImageSources } from './adapters/http/images/image-input.ts';

// For programs that ask a running service.
export { createClient, createCallbackMemory, ProsamClientError, verifyCallback } from './client/index.ts';
export type { CallbackMemory, ClientOptions, ProsamClient } from './client/index.ts';
