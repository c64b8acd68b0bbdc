/** One mask of those that were accepted. */
import { aboveZero } from '../../../mask/resize-map.ts';
import type { ImageFeatures } from '../../image-features.ts';
import type { MethodContext, MethodResult } from '../method.ts';
import { logitsAtImageSize, lowResSide } from '../sam-prompts.ts';
import type { PointMask } from './point-masks.ts';

/** Logit where nothing was found. */
const ABSENT = -10;

/** An accepted mask, and the cell it was drawn from. */
export type AcceptedMask = PointMask & { from: number };

/**
 * Largest logit of the masks. The probability of a place is the largest mean cosine to the object among the masks that cover it.
 * mean: cosine to the object of every cell. [N] masks: none give an empty mask
 */
export function joinedMask(
  { geometry }: Pick<MethodContext, 'geometry'>,
  target: ImageFeatures,
  mean: Float64Array,
  masks: readonly AcceptedMask[],
): MethodResult {
  const side = lowResSide(target);
  const logits = new Float32Array(side * side).fill(masks.length === 0 ? ABSENT : -Infinity);
  const probability = new Float32Array(side * side);
  let [areas, ious] = [0, 0];
  for (const mask of masks) {
    const closeness = Math.max(0, Math.min(1, meanOver(mean, mask)));
    mask.logits.forEach((logit, i) => {
      if (logit > (logits[i] as number)) logits[i] = logit;
      if (logit <= 0) return;
      if (closeness > (probability[i] as number)) probability[i] = closeness;
      areas++;
      ious += mask.iou;
    });
  }
  const visible = (data: Float32Array) => geometry.visible({ data, width: side, height: side }, target.width, target.height);
  return {
    field: logitsAtImageSize(geometry, target, logits),
    probability: visible(probability),
    decision: aboveZero(visible(logits).data),
    samIou: areas === 0 ? 0 : ious / areas,
    lowResLogits: logits,
  };
}

/** Mean over the cells that a mask covers; a mask between the cells' centres has that of the cell it was drawn from. */
function meanOver(mean: Float64Array, { cells, from }: AcceptedMask): number {
  let [sum, count] = [0, 0];
  cells.forEach((covered, cell) => {
    if (covered === 0) return;
    sum += mean[cell] as number;
    count++;
  });
  return count === 0 ? (mean[from] as number) : sum / count;
}
