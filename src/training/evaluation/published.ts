/** The accuracy figures the paper prints in tables 1, 2, 3 and 9, as data. None of them was measured by this library. */
import type { AnnotationMode } from '../types.ts';

export type PublishedData = 'COCO-20i' | 'PASCAL-5i' | 'COCO-20i to PASCAL-5i';

export interface PublishedRow {
  source: 'published';
  /** Number of the table in the paper. */
  table: 1 | 2 | 3 | 9;
  data: PublishedData;
  method: string;
  /** Kind of annotation of the reference. */
  annotation: Exclude<AnnotationMode, 'mixed'>;
  /** Absent where the table does not name it. */
  imageEncoder?: string;
  /** Learnable parameters, in millions; absent where the table does not give them. */
  learnableMillions?: number;
  /** Trained on the classes it is tested on: not comparable with the rest. */
  inDomain?: true;
  /** mIoU of folds 0 to 3, percent; absent where only the mean is printed. */
  folds?: Folds;
  /** Mean mIoU as printed, percent. */
  mean: number;
}

type Folds = readonly [number, number, number, number];
type PublishedAnnotation = PublishedRow['annotation'];

const ANNOTATIONS = ['point', 'scribble', 'box', 'mask'] as const satisfies readonly PublishedAnnotation[];
const RESNET = 'ResNet-50';
type Scores = readonly [f0: number, f1: number, f2: number, f3: number, mean: number];

function row(
  table: PublishedRow['table'],
  data: PublishedData,
  method: string,
  annotation: PublishedAnnotation,
  scores: Scores,
): PublishedRow {
  const [f0, f1, f2, f3, mean] = scores;
  return { source: 'published', table, data, method, annotation, folds: [f0, f1, f2, f3], mean };
}

/** Table 1: point, scribble, box and mask of one method. The two SAM encoders use ResNet-50 (section 5.1). */
function perAnnotation(data: PublishedData, method: string, scores: readonly [Scores, Scores, Scores, Scores]): PublishedRow[] {
  return ANNOTATIONS.map((annotation, i) => ({ ...row(1, data, method, annotation, scores[i] as Scores), imageEncoder: RESNET }));
}

const TABLE_1: readonly PublishedRow[] = [
  { ...row(1, 'COCO-20i', 'Painter', 'mask', [31.2, 35.3, 33.5, 32.4, 33.1]), inDomain: true },
  { ...row(1, 'COCO-20i', 'SegGPT', 'mask', [56.3, 57.4, 58.9, 51.7, 56.1]), inDomain: true },
  row(1, 'COCO-20i', 'PerSAM', 'mask', [23.1, 23.6, 22.0, 23.4, 23.0]),
  row(1, 'COCO-20i', 'PerSAM-F', 'mask', [22.3, 24.0, 23.4, 24.1, 23.5]),
  row(1, 'COCO-20i', 'Matcher', 'mask', [52.7, 53.5, 52.6, 52.1, 52.7]),
  ...perAnnotation('COCO-20i', 'VRP-SAM', [
    [32.03, 39.36, 46.44, 40.52, 39.85],
    [44.83, 48.22, 51.61, 47.66, 48.08],
    [44.63, 49.2, 56.56, 49.34, 49.93],
    [47.02, 54.24, 59.91, 51.95, 53.28],
  ]),
  ...perAnnotation('COCO-20i', 'ProSAM', [
    [33.32, 40.23, 47.82, 41.2, 40.64],
    [47.37, 48.97, 53.44, 48.39, 49.54],
    [45.39, 50.01, 57.92, 50.41, 50.93],
    [48.74, 55.55, 60.72, 53.49, 54.63],
  ]),
  ...perAnnotation('PASCAL-5i', 'VRP-SAM', [
    [63.69, 70.95, 63.22, 54.53, 63.35],
    [70.04, 74.67, 65.93, 59.12, 67.44],
    [71.3, 75.98, 65.95, 61.27, 68.75],
    [74.01, 76.77, 69.46, 64.34, 71.14],
  ]),
  ...perAnnotation('PASCAL-5i', 'ProSAM', [
    [64.71, 72.11, 63.89, 55.64, 64.08],
    [71.16, 75.69, 66.31, 60.93, 68.52],
    [72.38, 76.81, 67.07, 62.76, 69.76],
    [75.26, 77.57, 70.09, 65.22, 72.04],
  ]),
];

type FewShot = readonly [method: string, encoder: string, millions: number | undefined, coco: Scores, pascal: Scores];

const FEW_SHOT: readonly FewShot[] = [
  ['PFENet', RESNET, 10.4, [36.5, 38.6, 34.5, 33.8, 35.8], [61.7, 69.5, 55.4, 56.3, 60.8]],
  ['HSNet', RESNET, 2.6, [36.3, 43.1, 38.7, 38.7, 39.2], [64.3, 70.7, 60.3, 60.5, 64.0]],
  ['CyCTR', RESNET, 15.4, [38.9, 43.0, 39.6, 39.8, 40.3], [65.7, 71.0, 59.5, 59.7, 64.0]],
  ['SSP', RESNET, 8.7, [35.5, 39.6, 37.9, 36.7, 37.4], [60.5, 67.8, 66.4, 51.0, 61.4]],
  ['NTRENet', RESNET, 19.9, [36.8, 42.6, 39.9, 37.9, 39.3], [65.4, 72.3, 59.4, 59.8, 64.2]],
  ['DPCN', RESNET, undefined, [42.0, 47.0, 43.3, 39.7, 43.0], [65.7, 71.6, 69.1, 60.6, 66.7]],
  ['VAT', RESNET, 3.2, [39.0, 43.8, 42.6, 39.7, 41.3], [67.6, 72.0, 62.3, 60.1, 65.5]],
  ['BAM', RESNET, 4.9, [39.4, 49.9, 46.2, 45.2, 45.2], [69.0, 73.6, 67.6, 61.1, 67.8]],
  ['HDMNet', RESNET, 4.2, [43.8, 55.3, 51.6, 49.4, 50.0], [71.0, 75.4, 68.9, 62.1, 69.4]],
  ['ProSAM', RESNET, 1.73, [48.74, 55.55, 60.72, 53.49, 54.63], [75.26, 77.57, 70.09, 65.22, 72.04]],
  ['DCAMA', 'Swin-B', 47.7, [49.5, 52.7, 52.8, 48.7, 50.9], [72.2, 73.8, 64.3, 67.1, 69.3]],
];

const TABLE_2: readonly PublishedRow[] = (['COCO-20i', 'PASCAL-5i'] as const).flatMap((data) =>
  FEW_SHOT.map(([method, imageEncoder, millions, coco, pascal]) => ({
    ...row(2, data, method, 'mask', data === 'COCO-20i' ? coco : pascal),
    imageEncoder,
    ...(millions !== undefined && { learnableMillions: millions }),
  })),
);

const TABLE_3: readonly PublishedRow[] = (
  [
    ['ProSAM', RESNET, 77.65],
    ['VRP-SAM', RESNET, 76.44],
    ['RPMM', RESNET, 49.6],
    ['PFENet', RESNET, 61.1],
    ['RePRI', RESNET, 63.2],
    ['VAT-HM', RESNET, 65.1],
    ['HSNet', 'ResNet-101', 64.1],
    ['DGPNet', 'ResNet-101', 70.1],
    ['FP-Trans', 'DeiT-B/16', 69.7],
  ] as const
).map(([method, imageEncoder, mean]) => ({
  source: 'published',
  table: 3,
  data: 'COCO-20i to PASCAL-5i',
  method,
  annotation: 'mask',
  imageEncoder,
  mean,
}));

const TABLE_9: readonly PublishedRow[] = (
  [
    ['VRP-SAM', RESNET, [74.01, 76.77, 69.46, 64.34, 71.14]],
    ['VRP-SAM', 'VGG-16', [69.72, 74.74, 67.12, 61.84, 68.35]],
    ['ProSAM', RESNET, [75.26, 77.57, 70.09, 65.22, 72.04]],
    ['ProSAM', 'VGG-16', [70.53, 75.3, 68.25, 62.99, 69.27]],
  ] as const
).map(([method, imageEncoder, scores]) => ({ ...row(9, 'PASCAL-5i', method, 'mask', scores), imageEncoder }));

/** Every row of tables 1, 2, 3 and 9, in the tables' order. */
export const PUBLISHED: readonly PublishedRow[] = [...TABLE_1, ...TABLE_2, ...TABLE_3, ...TABLE_9];
