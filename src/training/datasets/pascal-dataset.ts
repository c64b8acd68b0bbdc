/** PASCAL-5i: VOC 2012 with the label maps augmented by SBD; fold f tests the classes 5f + 1 to 5f + 5. */
import { join, parse } from 'node:path';
import type { Dataset, LabelMap } from '../types.ts';
import { createBenchmark, refuseMissing } from './benchmark.ts';
import { notFound } from './expected-tree.ts';
import { filesIn } from './folder-files.ts';
import { BENCHMARK_FOLDS, parseKeys, readImageLists, readText } from './image-lists.ts';
import { checkImageSize, countLabels } from './label-check.ts';
import { indexAll, type IndexedImage } from './label-index.ts';
import { readLabelPng } from './label-png.ts';
import { DEFAULT_MIN_PIXELS, type OpenDatasetOptions } from './options.ts';

const NAMES =
  'aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor';
export const VOC_NAMES: readonly string[] = NAMES.split(' ');
const CLASSES = VOC_NAMES.map((name, i) => ({ id: i + 1, name }));
const ALL_IDS: ReadonlySet<number> = new Set(CLASSES.map(({ id }) => id));
const NOVEL_PER_FOLD = 5;

/** Places of training lists; VOC itself has none for the augmented label maps. */
const TRAINING_LISTS = [
  'ImageSets/SegmentationAug/train_aug.txt',
  'ImageSets/SegmentationAug/trainaug.txt',
  'ImageSets/Segmentation/train_aug.txt',
  'ImageSets/Segmentation/trainaug.txt',
];
const TEST_LISTS = ['ImageSets/Segmentation/val.txt', 'ImageSets/SegmentationAug/val.txt'];

/** All label maps are read once, because episodes draw among the classes an image shows. */
export async function openPascal(root: string, options: OpenDatasetOptions): Promise<Dataset> {
  const fileOf = (key: string): { image: string; mask: string } => ({
    image: join(root, 'JPEGImages', `${key}.jpg`),
    mask: join(root, 'SegmentationClassAug', `${key}.png`),
  });
  const stems = async (folder: string): Promise<Set<string>> => {
    const files = await filesIn(join(root, folder));
    if (!files) throw notFound(root, `there is no folder ${folder}/ in it`, ['pascal']);
    return new Set(files.filter((file) => !file.startsWith('.')).map((file) => parse(file).name));
  };
  const [images, masks] = [await stems('JPEGImages'), await stems('SegmentationClassAug')];
  const testKeys = await firstList(root, TEST_LISTS);
  if (!testKeys) throw notFound(root, `there is no ${TEST_LISTS[0] as string} in it`, ['pascal']);
  const held = new Set(testKeys);
  // A list may name test images too; whoever tests on an image must not train on it.
  const trainingKeys = ((await firstList(root, TRAINING_LISTS)) ?? [...masks].sort()).filter((key) => !held.has(key));
  for (const keys of [testKeys, trainingKeys]) {
    const missing = (there: ReadonlySet<string>): string[] => keys.filter((key) => !there.has(key));
    refuseMissing(root, 'listed images have no label map in SegmentationClassAug/', missing(masks));
    refuseMissing(root, 'label maps have no image in JPEGImages/', missing(images));
  }

  const read = async (key: string): Promise<LabelMap> => readLabelPng(fileOf(key).mask);
  const index = async (key: string): Promise<IndexedImage> => {
    const labels = await read(key);
    return { image: { key, file: fileOf(key).image }, classes: countLabels(labels, ALL_IDS, fileOf(key).mask), pixels: labels.data.length };
  };
  const indexed = await indexAll([...trainingKeys, ...testKeys], index, 'label maps', options);
  return createBenchmark({
    name: 'PASCAL-5i',
    classes: CLASSES.filter(({ id }) => !options.leaveOut?.includes(id)),
    novel: Array.from({ length: BENCHMARK_FOLDS }, (_, fold) =>
      CLASSES.slice(NOVEL_PER_FOLD * fold, NOVEL_PER_FOLD * (fold + 1)).map(({ id }) => id),
    ),
    rule: 'by image',
    training: indexed.slice(0, trainingKeys.length),
    test: indexed.slice(trainingKeys.length),
    minPixels: options.minPixels ?? DEFAULT_MIN_PIXELS,
    lists: await readImageLists(options.lists ?? join(root, 'fss_list')),
    labels: async ({ key, file }) => {
      const { mask } = fileOf(key);
      const labels = await readLabelPng(mask);
      countLabels(labels, ALL_IDS, mask);
      await checkImageSize(file, labels, mask);
      return labels;
    },
  });
}

async function firstList(root: string, files: readonly string[]): Promise<string[] | undefined> {
  for (const file of files) {
    const text = await readText(join(root, file));
    if (text !== undefined) return [...new Set(parseKeys(text))];
  }
  return undefined;
}
