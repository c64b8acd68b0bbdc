/** No training: the pseudo mask of feature augmentation (paper, section 8.1), redrawn by SAM. */
import type { ImageFeatures } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import { gridPrompt, redrawn } from './mask-prompts.ts';
import type { MethodContext, RunMethod } from './method.ts';

/** From a pseudo mask of 0..1 to logits of -4..4. */
const PSEUDO_GAIN = 8;
/** In the denominator of min-max scaling, as in the pseudo mask itself. */
const EPSILON = 1e-7;

export const pseudo: RunMethod = async (context, target, references) => {
  const found = await largestSimilarity(context, target, references);
  context.lap('prompt');
  return redrawn(
    context,
    target,
    gridPrompt(
      context,
      target,
      found.map((value) => (value - 0.5) * PSEUDO_GAIN),
    ),
  );
};

/** Per cell of the target, to the marked cells of any reference, min-max scaled to 0..1. */
async function largestSimilarity(
  context: MethodContext,
  target: ImageFeatures,
  references: readonly PreparedReference[],
): Promise<Float32Array> {
  const { networks } = context;
  let largest: Float32Array | undefined;
  for (const { features, cells } of references) {
    const high = await networks.maskedHigh(features, cells);
    const { data } = await networks.similarity(high, cells, target.high, 'none');
    largest = largest?.map((value, i) => Math.max(value, data[i] as number)) ?? data;
    context.checkpoint();
  }
  const similarity = largest as Float32Array;
  const low = similarity.reduce((least, value) => Math.min(least, value), Infinity);
  const high = similarity.reduce((most, value) => Math.max(most, value), -Infinity);
  return similarity.map((value) => (value - low) / (high - low + EPSILON));
}
