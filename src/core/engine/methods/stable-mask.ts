/** SAM 2's choice of the one mask for unambiguous prompts (Ravi et al., 2024; `dynamic_multimask_via_stability` in its code). */
import type { StabilityRule } from '../../networks/config.ts';

/** One of the masks SAM offers. */
export interface SamMask {
  /** [4g * 4g] */
  logits: Float32Array;
  iou: number;
}

/**
 * Mask token 0 where it hardly depends on the threshold, else the best of the others by their IoU estimates.
 *
 * masks: token 0, then at least one other.
 * -> the mask, and the stability of token 0: the share of the wider mask (logits above -delta) that the narrower one (above +delta) covers,
 * 0..1; 1 for an empty one
 */
export function stableMask(masks: readonly SamMask[], config: StabilityRule): { mask: SamMask; stability: number } {
  const [first, ...others] = masks as [SamMask, SamMask, ...SamMask[]];
  const stability = stabilityOf(first.logits, config.dynamicMultimaskStabilityDelta);
  if (stability >= config.dynamicMultimaskStabilityThresh) return { mask: first, stability };
  return { mask: others.reduce((best, mask) => (mask.iou > best.iou ? mask : best)), stability };
}

function stabilityOf(logits: Float32Array, delta: number): number {
  // The logits are single-precision numbers, and so are the bounds they are compared with.
  const [low, high] = [Math.fround(-delta), Math.fround(delta)];
  let [narrow, wide] = [0, 0];
  for (const value of logits) {
    if (value > high) narrow++;
    if (value > low) wide++;
  }
  return wide === 0 ? 1 : narrow / wide;
}
