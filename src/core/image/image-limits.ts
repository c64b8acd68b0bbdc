/** Bounds on the size of an image. */

export interface ImageLimits {
  /** Largest file. @default 64 MiB */
  maxBytes?: number;
  /** Largest width x height. @default 100 million */
  maxPixels?: number;
}

export const DEFAULT_LIMITS: Required<ImageLimits> = { maxBytes: 64 * 2 ** 20, maxPixels: 100_000_000 };
