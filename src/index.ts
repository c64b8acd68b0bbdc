/** `prosam`: everything a program needs to find one object in many images. */
export { createEngine } from './core/runtime/create-engine.ts';
export type { EngineOptions } from './core/runtime/open-engine.ts';
export type { Device } from './core/runtime/devices.ts';
export type {
  Embedded,
  Engine,
  EngineInfo,
  ImageInput,
  InstancePrediction,
  MaskPrediction,
  Method,
  PixelImage,
  PredictOptions,
  Prediction,
  Reference,
  ReferenceMask,
  RefinedMask,
  Refinement,
  RefinePrompts,
  SelfCheck,
  StageTimes,
} from './core/types.ts';
export { isProsamError, ProsamError } from './core/errors.ts';
export type { ErrorCode } from './core/errors.ts';
export type { ImageLimits } from './core/image/decode.ts';
export type { Annotation } from './core/mask/annotation.ts';
export type { BinaryMask, LabelReduction } from './core/mask/label-reduction.ts';
export type { DistributionKind, Noise } from './core/distribution.ts';
export type { Strategy } from './core/strategy.ts';
export { iou } from './core/mask/metrics.ts';
export { polygonsFromMask, polygonsInTurns } from './core/mask/polygon-groups.ts';
export type { PolygonWithHoles } from './core/mask/polygon-groups.ts';
export { ringsFromMask, simplifyRing } from './core/mask/polygon.ts';
export { cocoRleFromMask, cocoRleInTurns, maskFromCocoRle } from './core/mask/rle.ts';
export type { CocoRle } from './core/mask/rle.ts';

// For adapters of further tools: the words of the service, and the HTTP parts all adapters share.
export { createProsam } from './prosam/create-prosam.ts';
export type { CreateProsamOptions, Prosam } from './prosam/create-prosam.ts';
export type {
  Accepted,
  AcceptRequest,
  ProjectInfo,
  Service,
  ServiceImage,
  ServicePrediction,
  ServicePredictRequest,
  ServiceStatus,
} from './core/service-types.ts';
export type { AnnotationKey, AnnotationSummary, ImageRow, Provenance } from './core/storage-ports.ts';
export type { Log } from './core/log.ts';
export { createGuard, mayUse } from './adapters/http/guard.ts';
export type { Guard, GuardOptions } from './adapters/http/guard.ts';
export { createHttpApp } from './adapters/http/http-app.ts';
export type { HttpApp, HttpAppOptions } from './adapters/http/http-app.ts';
export { imageInputSchema } from './adapters/http/image-input.ts';
export type { ImageInputJson, ImageSources } from './adapters/http/image-input.ts';
export { createImageSources } from './adapters/http/image-sources.ts';
export type { ImageSourceOptions } from './adapters/http/image-sources.ts';
export { listen } from './adapters/http/listen.ts';
export { route } from './adapters/http/route.ts';
export type { Access, Caller, Route, RouteAnswer, RouteContext, ServerEvent } from './adapters/http/route.ts';
export { signBody, verifySignature } from './adapters/http/signature.ts';

// For programs that ask a running service.
export { createClient, createCallbackMemory, ProsamClientError, verifyCallback } from './client/index.ts';
export type { CallbackMemory, ClientOptions, ProsamClient } from './client/index.ts';
