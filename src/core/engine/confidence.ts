/** One number for how sure an answer is, whether it is a mask or none: what people sort by. */
import type { MaskPrediction } from './results.ts';

/** Expected IoU of a mask, the chance that the concept is not there included; of an empty one the probability that it is not. 0..1 */
export function confidenceOf({ area, quality }: Pick<MaskPrediction, 'area' | 'quality'>): number {
  return area > 0 ? quality.score * quality.present : 1 - quality.present;
}
