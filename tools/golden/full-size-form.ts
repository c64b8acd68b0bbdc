/** Forms in which a full-size model's weights are written. */
import type { TensorSource } from '../../test/golden/checkpoint-writers.ts';

/** Hashed weights of any list in shapes.json. */
export type PartOf = (list: string) => readonly TensorSource[];

export interface Form {
  /** Name as printed. */
  name: string;
  /** Writes the file or folder a user would have. partOf: what such a file holds besides. */
  write(folder: string, weights: readonly TensorSource[], partOf: PartOf): string;
  /** Values were rounded to half precision: expected numbers hold to this share of an output's largest magnitude instead of to their `atol`. */
  rounded?: number;
}

/** Tolerances for bfloat16's eight bits and float16's eleven, after as many layers as these networks have: twice what was measured. */
export const ROUNDED = { F16: 0.008, BF16: 0.05 } as const;
