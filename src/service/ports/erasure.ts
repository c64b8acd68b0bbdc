/** Records of erased images. */

/** Record of what was erased with an image. */
export interface ErasedImage {
  /** Annotations in all their revisions, with masks and absent labels. */
  annotations: number;
  predictions: number;
  /** Results of jobs and callbacks that named the image. */
  results: number;
  /** Ids of versions whose run may have learned from it, newest first: nothing takes that back. */
  versions: string[];
}

/** One erasure: the hash is all that is left of an image. */
export interface Erasure {
  /** Grows. */
  id: number;
  project: string;
  sha256: string;
  erasedMs: number;
}
