/** Place of an image among those to label next, as its prediction tells. */
import type { MaskPrediction } from '../../core/engine/types.ts';
import type { Ranking } from '../ports/ranking.ts';

type Quality = Pick<MaskPrediction['quality'], 'score' | 'present'>;

/** Ranking by the label that promises most. */
export function rankingOf(masks: readonly { quality: Quality }[]): Ranking {
  return {
    presence: Math.max(0, ...masks.map(({ quality }) => quality.present)),
    gain: Math.max(0, ...masks.map(({ quality }) => gainOf(quality))),
  };
}

/** Expected share of an object that the mask misses: where nothing is, there is nothing to gain. 0..1 */
function gainOf({ score, present }: Quality): number {
  return (1 - score) * present;
}
