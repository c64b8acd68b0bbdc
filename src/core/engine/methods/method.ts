/** The interface of all ways to find a concept in a target. */
import type { ImageFeatures } from '../image-features.ts';
import type { Geometry } from '../../image/geometry.ts';
import type { PreparedReference } from '../references.ts';
import type { FloatMap } from '../../mask/resize-map.ts';
import type { Networks } from '../../onnx/networks.ts';
import type { PredictOptions } from '../types.ts';

export interface MethodContext {
  networks: Networks;
  geometry: Geometry;
  /** Work that several parts of a call may ask for, done by whoever asks first. */
  once<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Called between stages; throws when the caller has given up. */
  checkpoint(): void;
  /** Adds the time since the last call to a stage. */
  lap(stage: 'reference' | 'prompt' | 'decode' | 'resize'): void;
}

export interface MethodResult {
  /** At the target's own size; positive = the concept. */
  field: FloatMap;
  /** Coarse map over the image: probability of the concept per place, 0..1. */
  probability: FloatMap;
  /** On the coarse map: 1 = in the mask. */
  decision: Uint8Array;
  /** A method's own word on its mask instead of the expected IoU, 0..1. */
  score?: number;
  /** SAM's estimate of the mask's IoU. */
  samIou?: number;
  /** Prompts that the call's budget left out. */
  pointsLeftOut?: number;
  /** Logits on SAM's square, for refining. [4g * 4g] */
  lowResLogits?: Float32Array;
}

/** references: at least one, all of one concept. */
export type RunMethod = (
  context: MethodContext,
  target: ImageFeatures,
  references: readonly PreparedReference[],
  options: PredictOptions,
) => Promise<MethodResult>;
