/** The words of training and evaluation. Class ids are those of the label maps: 1..254; 0 is background, 255 is ignored. */

import type { Notice } from '../core/common/notice.ts';
import type { ImageReading } from '../core/image/values/reading.ts';

/** Class id per pixel, row-major, at the image's own size. */
export interface LabelMap {
  data: Uint8Array;
  width: number;
  height: number;
}

/** Pixels that count neither as object nor as background. */
export const IGNORE_LABEL = 255;

export interface DatasetImage {
  /** Unique within the dataset. */
  key: string;
  /** Path of the image file. */
  file: string;
}

export interface DatasetClass {
  id: number;
  name: string;
}

/** One reference and one target that both show a class. */
export interface Episode {
  classId: number;
  reference: DatasetImage;
  target: DatasetImage;
  /** Data set of a mixture that the episode comes from. */
  source?: string;
}

/** Training and test part of one split. */
export interface Fold {
  /** 'all' trains on every class and tests the same classes on images held back. */
  name: string;
  base: readonly number[];
  novel: readonly number[];
  /** Classes left out because too few images to train on show them: one phrase each, for people. */
  leftOut?: readonly string[];
  /** Classes left out because too few images to test on show them: one phrase each, for people. */
  untested?: readonly string[];
  /** Training episodes of one epoch; the same epoch and seed give the same episodes. @throws DATASET_INVALID for a class with too few images */
  trainingEpisodes(epoch: number, seed: number): readonly Episode[];
  /** Episodes of novel classes on test images: the data's own list where it has one, otherwise drawn from the seed. */
  testEpisodes(count: number, seed: number): readonly Episode[];
}

/** Account of how a data set was read: its form, and what of it could not be used. */
export interface DatasetReading {
  /** Folder or file. */
  path: string;
  /** Form in which the data are kept, such as 'YOLO-seg'. */
  form: string;
  /** Images that are used. */
  images: number;
  /** Labels that at least one of them shows. */
  labels: number;
  /** Parts that were left out, counted by kind. */
  leftOut: readonly { kind: string; count: number; about: string; examples: readonly string[] }[];
  /** Sentences about what was decided while reading. */
  notes: readonly string[];
}

export interface Dataset {
  name: string;
  /** Account of how it was read; several for a mixture, none where there is nothing to say. */
  readings?: readonly DatasetReading[];
  classes: readonly DatasetClass[];
  /** Number of class folds; 0 where classes are not split. */
  folds: number;
  /** index below `folds`, or 'all'. @throws DATASET_INVALID where a fold has nothing to test on */
  fold(index: number | 'all'): Fold;
  /** @throws DATASET_INVALID for a damaged or misfitting label file */
  labels(image: DatasetImage): Promise<LabelMap>;
  /** Way in which image files are read. @default by the rule of docs/files.md */
  reading?: ImageReading;
  /** Called for each notice about an image as it is read. file: its path */
  onNotice?: (notice: Notice, file: string) => void;
}

/** Kinds of reference annotation in training and evaluation. 'mixed' draws one of the four per episode. */
export const ANNOTATION_MODES = ['mask', 'box', 'point', 'scribble', 'mixed'] as const;
export type AnnotationMode = (typeof ANNOTATION_MODES)[number];
