/** Loss of the coarse mask: cross-entropy against the share of each cell that the true mask covers. */
import { cellShares } from '../../core/mask/label-reduction.ts';
import { sigmoid } from '../../core/engine/methods/sigmoid.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';

/** Weight beside the loss of the decoded masks. */
export const COARSE_WEIGHT = 0.5;
/** Weight of what is marked: most cells are not. */
const MARKED_WEIGHT = 3;

/** Mean of -(3 y log p + (1 - y) log(1 - p)), p = sigmoid(logit). logits [B, 1, h, w], truth [B, S, S] of 0 and 1 -> gradient [B, 1, h, w] */
export function coarseLoss(logits: FloatTensor, truth: FloatTensor): { loss: number; gradient: Float32Array } {
  const [images, , rows, columns] = logits.shape as [number, number, number, number];
  const [, height, width] = truth.shape as [number, number, number];
  const cells = rows * columns;
  const gradient = new Float32Array(logits.data.length);
  let loss = 0;
  for (let image = 0; image < images; image++) {
    const mask = Uint8Array.from(truth.data.subarray(image * height * width, (image + 1) * height * width));
    const shares = cellShares({ data: mask, width, height }, { columns, rows, spanX: width, spanY: height });
    shares.forEach((y, cell) => {
      const at = image * cells + cell;
      const x = logits.data[at] as number;
      const p = sigmoid(x);
      // -log p = softplus(-x), -log(1 - p) = softplus(x)
      const [on, off] = [softplus(-x), softplus(x)];
      loss += MARKED_WEIGHT * y * on + (1 - y) * off;
      gradient[at] = ((1 - y) * p - MARKED_WEIGHT * y * (1 - p)) / gradient.length;
    });
  }
  return { loss: loss / gradient.length, gradient };
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
