/** Data to train and test on: own folders, PASCAL-5i, COCO-20i and generated scenes. */
export type { DatasetFormat } from './expected-tree.ts';
export type { DatasetProgress } from './label-index.ts';
export { mixDatasets } from './mixed-dataset.ts';
export { openDataset } from './open-dataset.ts';
export type { OpenDatasetOptions, TestImages } from './options.ts';
export { scenesDataset, writeScenesDataset } from './scenes-dataset.ts';
export type { ScenesOptions } from './scenes-dataset.ts';
