/** Options of data sets. */
import { z } from 'zod';
import { ProsamError } from '../../core/common/errors.ts';
import { DATASET_FORMATS, type DatasetFormat } from './expected-tree.ts';
import type { IndexOptions } from './label-index.ts';

export const TEST_IMAGES = ['held-back', 'all'] as const;
export type TestImages = (typeof TEST_IMAGES)[number];

export const CROWDS = ['ignore', 'objects'] as const;
export type Crowds = (typeof CROWDS)[number];

export interface OpenDatasetOptions extends IndexOptions {
  /** Format expected at the path. @default recognized */
  format?: DatasetFormat;
  /** Own folders: share of an image, 0 to 1, below which a class does not count as shown. @default that of classes.json, else 0.01 */
  minArea?: number;
  /** PASCAL and COCO: pixels below which a class does not count as shown. @default 2048 */
  minPixels?: number;
  /** Class ids that are neither trained nor tested; their pixels count as background. */
  leaveOut?: readonly number[];
  /** Own folders without a split: seed of the names' hash. @default 321 */
  splitSeed?: number;
  /**
   * Own folders: images that test pairs are drawn from. 'all': every image, for models that were not trained on these data; such a data set
   * measures and is not to be trained on. @default 'held-back'
   */
  testOn?: TestImages;
  /** PASCAL and COCO: folder of ready image lists. @default fss_list in the data, if there */
  lists?: string;
  /**
   * COCO: annotations marked `iscrowd: 1` are ignored pixels, or objects like the others.
   * @default 'ignore', but 'objects' where every outline of the data is marked so
   */
  crowds?: Crowds;
}

/**
 * The benchmarks' lists (since Shaban et al., 2017) drop objects below two cells of a 32-fold smaller map: 2 x 32 x 32 pixels
 * of the image.
 */
export const DEFAULT_MIN_PIXELS = 2 * 32 * 32;
export const DEFAULT_MIN_AREA = 0.01;
export const DEFAULT_SPLIT_SEED = 321;

const schema = z.object({
  format: z.enum(DATASET_FORMATS).optional(),
  minArea: z.number().min(0).max(1).optional(),
  minPixels: z.int().min(1).optional(),
  leaveOut: z.array(z.int().min(1).max(254)).optional(),
  splitSeed: z.int().optional(),
  testOn: z.enum(TEST_IMAGES).optional(),
  lists: z.string().min(1).optional(),
  crowds: z.enum(CROWDS).optional(),
});

/** @throws OPTION_INVALID */
export function checkOptions(options: OpenDatasetOptions): void {
  const parsed = schema.safeParse(options);
  if (parsed.success) return;
  const issue = parsed.error.issues[0];
  throw new ProsamError('OPTION_INVALID', `data option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'expected another value'}.`);
}
