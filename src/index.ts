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
export { ringsFromMask, simplifyRing } from './core/mask/polygon.ts';
export { cocoRleFromMask, maskFromCocoRle } from './core/mask/rle.ts';
export type { CocoRle } from './core/mask/rle.ts';
