/** Facts by which images are ranked that nobody has annotated. */
import type { ImageRow } from './image-rows.ts';

/** Longest `look`: one byte a number. */
export const MAX_LOOK_BYTES = 2048;

/** Facts of a prediction that rank its image. */
export interface Ranking {
  /** Probability that the image shows a label at all, 0 to 1, the largest over its labels. */
  presence: number;
  /** Worth of labeling the image, whatever else is labeled: 0 to 1. */
  gain: number;
  /** The image as a vector, one signed byte a number: like images have like ones. At most `MAX_LOOK_BYTES`. */
  look?: Uint8Array;
}

/** gain, look: absent where nothing was predicted, or without them. */
export interface UnlabelledImage extends ImageRow, Partial<Pick<Ranking, 'gain' | 'look'>> {}
