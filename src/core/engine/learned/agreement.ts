/** Doubt about a fitted mask: where it shows something else than what is drawn without fitted numbers, it was fitted to too few images for this one. */
import { iou } from '../../mask/metrics.ts';
import { aboveZero } from '../../mask/resize-map.ts';

/** IoU with the mask drawn without numbers from which on the fitted one is believed; 0.5 to 0.7 were level. */
export const MIN_AGREEMENT = 0.6;

/** map, plain: logits at the same pixels. -> the first, or the second where they show different things */
export function believed(map: Float32Array, plain: Float32Array): Float32Array {
  return iou(aboveZero(map), aboveZero(plain)) < MIN_AGREEMENT ? plain : map;
}
