/** `prosam`: everything a program needs to find one object in many images. */
export { createEngine } from './core/runtime/node/create-engine.ts';
export type { EngineOptions } from './core/runtime/node/open-engine.ts';
export type { Device } from './core/runtime/devices/devices.ts';
export type {
  Embedded,
  Engine,
  EngineInfo,
  EngineWorker,
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
} from './core/engine/types.ts';
export { isProsamError, ProsamError } from './core/common/errors.ts';
export type { AnyProsamError, ClientErrorCode, ErrorCode } from './core/common/errors.ts';
export type { ImageLimits } from './core/image/node/decode.ts';
export type { Annotation } from './core/mask/annotation.ts';
export type { BinaryMask, LabelReduction } from './core/mask/label-reduction.ts';
export type { DistributionKind, Noise } from './core/networks/prompt-distribution.ts';
export type { Strategy } from './core/engine/strategy.ts';
export { iou } from './core/mask/metrics.ts';
export { polygonsFromMask, polygonsInTurns } from './core/mask/polygon-groups.ts';
export type { PolygonWithHoles } from './core/mask/polygon-groups.ts';
export type { Point } from './core/mask/raster.ts';
export { ringsFromMask, simplifyRing } from './core/mask/polygon.ts';
export { cocoRleFromMask, cocoRleInTurns, maskFromCocoRle } from './core/mask/rle.ts';
export type { CocoRle } from './core/mask/rle.ts';
