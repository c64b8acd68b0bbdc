/** Facts by which images are ranked that nobody annotated. */

export interface Ranking {
  /** Probability that the image shows a label at all, 0 to 1, the largest over its labels. */
  presence: number;
  /** Expected share of an object that the prediction misses, 0 to 1, the largest over its labels: what an annotation adds. */
  gain: number;
}
