/** Whether a person would see the difference between two masks of one image. */
import { overlap } from '../core/mask/metrics.ts';

/** Pixels that nobody sees, in an image of any size: a mask of few pixels loses IoU with each of them. */
const FEW_PIXELS = 10;

export interface Change {
  /** IoU of the masks with each other; 1 where both are empty. */
  agreement: number;
  changed: boolean;
}

/** Changed: the IoU of the two is below `alikeIou`, and more than ten pixels differ. before, after: non-zero = set, of equal length */
export function changeBetween(before: Uint8Array, after: Uint8Array, alikeIou: number): Change {
  const { intersection, union } = overlap(before, after);
  const agreement = union === 0 ? 1 : intersection / union;
  return { agreement, changed: agreement < alikeIou && union - intersection > FEW_PIXELS };
}
