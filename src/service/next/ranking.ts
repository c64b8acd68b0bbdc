/** Worth of labeling an image, as a prediction tells. */
import type { MaskPrediction, Prediction } from '../../core/engine/types.ts';
import type { Ranking } from '../ports/next-images.ts';
import { lookOf } from './look.ts';

/** Ranking by the label that promises most. embedding: of the whole image */
export function rankingOf(
  masks: readonly { quality: Pick<MaskPrediction['quality'], 'score' | 'present'> }[],
  embedding: Prediction['embedding'],
): Ranking {
  const look = embedding && lookOf(embedding);
  return {
    presence: Math.max(0, ...masks.map(({ quality }) => quality.present)),
    gain: Math.max(0, ...masks.map(({ quality }) => gainOf(quality))),
    ...(look && { look }),
  };
}

/** Expected share of the object that a person would have to mend: a wrong mask where the concept is. 0..1 */
function gainOf({ score, present }: Pick<MaskPrediction['quality'], 'score' | 'present'>): number {
  return (1 - score) * present;
}
