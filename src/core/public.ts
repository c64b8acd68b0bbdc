/** Names that `prosam` and `prosam/web` share: results, masks and errors, the same in Node and in a page. */
export { isProsamError, ProsamError } from './common/errors.ts';
export { maskFromAnnotation } from './mask/draw-annotation.ts';
export { iou } from './mask/metrics.ts';
export { polygonsFromMask, polygonsFromMaskSync } from './mask/polygon-groups.ts';
export { cocoRleFromMask, cocoRleFromMaskSync, maskFromCocoRle } from './mask/rle.ts';

export type { ErrorCode } from './common/errors.ts';
export type {
  Concept,
  Engine,
  EngineInfo,
  ImageInput,
  InstancePrediction,
  MaskPrediction,
  MaskQuality,
  Method,
  PixelImage,
  PredictManyOptions,
  PredictOptions,
  Prediction,
  PreparedImage,
  Reference,
  ReferenceMask,
  RefinedMask,
  Refinement,
  RefinePrompts,
  SelfCheck,
  StageTimes,
  TargetResult,
  TriedDevice,
} from './engine/types.ts';
export type { Strategy } from './engine/strategy.ts';
export type { ImageLimits } from './image/image-limits.ts';
export type {
  Annotation,
  BoxAnnotation,
  MaskAnnotation,
  MaskInput,
  PathInput,
  PointInput,
  PointsAnnotation,
  PolygonAnnotation,
  RleAnnotation,
  ScribbleAnnotation,
} from './mask/annotation.ts';
export type { BinaryMask, LabelReduction } from './mask/label-reduction.ts';
export type { PolygonWithHoles } from './mask/polygon-groups.ts';
export type { Point } from './mask/raster.ts';
export type { CocoRle, CompressedRle } from './mask/rle.ts';
export type { DistributionKind, Noise } from './networks/prompt-distribution.ts';
export type { Precision } from './onnx/precision.ts';
