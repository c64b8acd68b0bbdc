/** Doubt about a fitted mask: where it shows something else than what is drawn without fitted numbers, it was fitted to too few images for this one. */
import type { LearnedMap, PlainMap } from '../../checkpoint/learned-values.ts';
import { iou } from '../../mask/metrics.ts';
import { aboveZero } from '../../mask/resize-map.ts';

/** IoU with the mask drawn without numbers from which on the fitted one is believed; 0.5 to 0.7 were level. */
export const MIN_AGREEMENT = 0.6;

/** Logits that are fitted, or drawn without numbers, and the maps that they are made of. */
interface Fitted {
  maps: readonly LearnedMap[];
  logits: Float32Array;
}
interface Plain {
  name: PlainMap;
  logits: Float32Array;
}

/**
 * The fitted map, or the plain one at the same pixels where they show different things. The likelier map has been held against that of 'prosam'
 * by what both show, and needs no more.
 */
export function believed({ maps, logits }: Fitted, plain: Plain): Float32Array {
  if (plain.name === 'prosam' && maps.includes('likelier')) return logits;
  return iou(aboveZero(logits), aboveZero(plain.logits)) < MIN_AGREEMENT ? plain.logits : logits;
}
