/** Facts that a store keeps of every image. */

export interface ImageFacts {
  project: string;
  /** Hex sha256 of the file; its bytes are the blob of that name. */
  sha256: string;
  /** Pixels of the upright image. */
  width: number;
  height: number;
  /** The tool's own name of the image. */
  externalId?: string;
}

export interface ImageRow extends ImageFacts {
  createdMs: number;
  /** True where its newest annotation is active, one without masks included: a person has seen it. */
  annotated: boolean;
  /** Uncertainty of the newest prediction, 0 to 1, the largest over its labels. */
  uncertainty?: number;
  /** Probability that it shows a label at all, 0 to 1, the largest over the labels of its newest prediction. */
  presence?: number;
  /** Assigned once, by the learner, for good: images of the gate are never trained on. */
  split?: 'train' | 'gate';
}
