/** The common face of all ways to find a concept in a target. */
import type { ImageFeatures } from '../image-features.ts';
import type { FeatureStore, PreparedReference } from '../references.ts';
import type { FloatMap } from '../../mask/resize-map.ts';
import type { Networks } from '../../onnx/networks.ts';
import type { PredictOptions } from '../types.ts';

export interface MethodContext {
  networks: Networks;
  features: Pick<FeatureStore, 'geometry' | 'gridOf'>;
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
  /** SAM's estimate of the mask's IoU. */
  predictedIou?: number;
  /** Logits on SAM's square, for refining. [4g * 4g] */
  lowRes?: Float32Array;
}

/** references: at least one, all of one concept. */
export type RunMethod = (
  context: MethodContext,
  target: ImageFeatures,
  references: readonly PreparedReference[],
  options: PredictOptions,
) => Promise<MethodResult>;

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Sum of p inside the decision / (its size + sum of p outside): the IoU to expect if places were independent. 0 for an empty mask. */
export function expectedIou({ probability, decision }: Pick<MethodResult, 'probability' | 'decision'>): number {
  let inside = 0;
  let size = 0;
  let outside = 0;
  probability.data.forEach((p, i) => {
    if (decision[i] === 0) outside += p;
    else {
      inside += p;
      size++;
    }
  });
  return size === 0 ? 0 : inside / (size + outside);
}

/** Entropy of p in bits, scaled to 0..255. */
export function entropyLevel(p: number): number {
  if (p <= 0 || p >= 1) return 0;
  return Math.round(-255 * (p * Math.log2(p) + (1 - p) * Math.log2(1 - p)));
}
