/** `prosam/types`: every type in the signatures of `prosam` and those that `prosam/web` shares with it. Types alone, nothing to run. */
export type * from './core/public-types.ts';
export type { AnyProsamError, ClientErrorCode, ProsamError } from './core/common/errors.ts';
export type {
  EngineInfo,
  EngineWorker,
  InstancePrediction,
  Evidence,
  MaskQuality,
  PredictManyOptions,
  PreparedImage,
  ReferenceMask,
  RefinedMask,
  SelfCheck,
  StageTimes,
  TargetResult,
  TrackedFrame,
  TrackOptions,
  TrackState,
  TriedDevice,
} from './core/engine/types.ts';
export type { Motion, Pose } from './core/engine/tracking/pose.ts';
export type { LearnedMap, PlainMap } from './core/checkpoint/learned-values.ts';
export type { ExternalSystem, ExternalTransport } from './core/engine/methods/external/port.ts';
export type { ExternalSystemOptions } from './external/external-system.ts';
export type { Dense, Strategy } from './core/engine/strategy.ts';
export type { ImageLimits } from './core/image/image-limits.ts';
export type { ImageReading, ValueRange } from './core/image/values/reading.ts';
export type { Notice, NoticeCode } from './core/common/notice.ts';
export type { Units } from './core/mask/units.ts';
export type { SamResize } from './core/image/preprocess.ts';
export type { MaskInput, PathInput, PointInput } from './core/mask/annotation.ts';
export type { LabelReduction } from './core/mask/label-reduction.ts';
export type { HoleForm, PolygonOptions, PolygonWithHoles } from './core/mask/polygon-groups.ts';
export type { Point } from './core/mask/raster.ts';
export type { CompressedRle } from './core/mask/rle.ts';
export type { DistributionKind, Noise } from './core/networks/prompt-distribution.ts';
export type { Precision } from './core/onnx/precision.ts';
export type { Device } from './core/runtime/devices/devices.ts';
export type { EngineOptions } from './core/runtime/node/open-engine.ts';
