/**
 * PerSAM as published (Zhang et al., 2023), without training: the object's mean embedding finds one positive and one negative point, a
 * decoder with its two hooks draws a first mask, and SAM refines it twice, with the mask and then with its box.
 *
 * What the paper leaves open: of several references the vectors are averaged; SAM 2's decoder takes the hooks in its two-way transformer,
 * which is the same, and its finer maps as ever; a SAM whose prompts are drawn gets the points as a drawing, too.
 */
import { runSteps } from '../../../mask/cooperative.ts';
import type { ImageFeatures } from '../../image-features.ts';
import { samResult } from '../mask-prompts.ts';
import type { RunMethod } from '../method.ts';
import type { SamMask } from '../stable-mask.ts';
import { locationPrior, type LocationPrior } from './location-prior.ts';
import { decodeGuided, decodeRound, pixelBox, pointPrompts, type DecodeContext, type Round } from './mask-rounds.ts';
import { markedEmbedding, meanVector } from './object-vector.ts';

export const persamPaper: RunMethod = async (context, target, references) => {
  const marked = [];
  for (const reference of references) {
    marked.push(markedEmbedding(context.geometry, await reference.sam(), reference.mask));
    context.checkpoint();
  }
  const vector = meanVector(marked);
  context.lap('reference');
  const prior = await runSteps(locationPrior(context.geometry, target, vector));
  context.lap('prompt');
  const { first, rounds } = await persamRounds(context, target, vector, prior);
  context.lap('decode');
  const result = samResult(context, target, rounds.at(-1)?.best ?? first);
  context.lap('resize');
  return result;
};

/** The guided mask and the refinements; without the second one where there is no box to give. */
export async function persamRounds(
  context: DecodeContext,
  target: ImageFeatures,
  vector: Float32Array,
  prior: LocationPrior,
): Promise<{ first: SamMask; rounds: Round[] }> {
  const points = pointPrompts(context, target, prior.most, prior.least);
  const first = await decodeGuided(context, target, points, { bias: prior.bias, vector });
  const second = await decodeRound(context, target, points, first.logits);
  const box = pixelBox(context.geometry, target, second.best.logits);
  if (box === undefined) return { first, rounds: [second] };
  return { first, rounds: [second, await decodeRound(context, target, points, second.best.logits, box)] };
}
