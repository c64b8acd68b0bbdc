/** The prompt encoder's coarse mask: its own account of where the concept is, which goes with the prompts as a mask prompt. */
import type { PromptEncoderConfig } from './config.ts';
import type { Dim, Ops, Weights } from './ops.ts';

/** Logits of a mask prompt are limited to this, coarse or drawn, as when the decoder was trained. */
export const MASK_PROMPT_LIMIT = 8;

/** Logits of the concept on the feature grid, a 1x1 convolution. enhanced F_t^v [B, c, h, w] -> [B, 1, h, w] */
export function coarseMask<T>(ops: Ops<T>, weights: Weights<T>, { dim }: PromptEncoderConfig, enhanced: T): T {
  const [batch, channels, height, width] = ops.shapeOf(enhanced) as [Dim, number, number, number];
  const weight = ops.reshape(weights.get('coarse.weight', [1, dim, 1, 1]), [1, dim]);
  const logits = ops.matMul(weight, ops.reshape(enhanced, [batch, channels, height * width])); // [B, 1, h * w]
  return ops.reshape(ops.add(logits, weights.get('coarse.bias', [1])), [batch, 1, height, width]);
}
