/** COCO-20i: instance annotations as label maps; fold f tests the classes whose position (from 0) leaves f when divided by 4. */
import { stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import type { Dataset } from '../types.ts';
import { createBenchmark, refuseMissing } from './benchmark.ts';
import { drawLabels, readCocoFile, type CocoFile, type CocoImage } from './coco-annotations.ts';
import { notFound } from './expected-tree.ts';
import { filesIn } from './folder-files.ts';
import { BENCHMARK_FOLDS, readImageLists } from './image-lists.ts';
import { checkImageSize, listed } from './label-check.ts';
import type { IndexedImage } from './label-index.ts';
import { DEFAULT_MIN_PIXELS, type OpenDatasetOptions } from './options.ts';

/** 2014 is the benchmark; 2017 holds the same images, split differently. */
const YEARS = ['2014', '2017'] as const;
const MAX_CLASSES = 254;

export const COCO_FILES = YEARS.flatMap((year) => [`annotations/instances_train${year}.json`, `annotations/instances_val${year}.json`]);

/** Annotation files are read once from end to end; outlines are read again from their place in the file, image by image. */
export async function openCoco(root: string, options: OpenDatasetOptions): Promise<Dataset> {
  const year = await yearOf(root);
  const training = await readCocoFile(join(root, 'annotations', `instances_train${year}.json`), options);
  const test = await readCocoFile(join(root, 'annotations', `instances_val${year}.json`), options);
  const categories = [...training.categories].sort((a, b) => a.id - b.id);
  checkCategories(training, test);
  const classOf = new Map(categories.map(({ id }, i) => [id, i + 1]));
  const classes = categories.map(({ name }, i) => ({ id: i + 1, name }));

  const sources = new Map<string, { from: CocoFile; image: CocoImage }>();
  const index = async (from: CocoFile, folder: string): Promise<IndexedImage[]> => {
    const files = await filesIn(join(root, folder));
    if (!files) throw notFound(root, `there is no folder ${folder}/ in it`, ['coco']);
    const there = new Set(files);
    const missing = from.images.map(({ fileName }) => fileName).filter((name) => !there.has(name));
    refuseMissing(root, `annotated images are not in ${folder}/`, missing);
    return from.images.map((image): IndexedImage => {
      const key = parse(image.fileName).name;
      if (sources.has(key))
        throw new ProsamError('DATASET_INVALID', `${from.file}: expected every image once, but ${key} is there twice. Remove one.`);
      sources.set(key, { from, image });
      const shown = new Map<number, number>();
      for (const { categoryId, area, crowd } of image.annotations) {
        const id = classOf.get(categoryId) as number;
        shown.set(id, (shown.get(id) ?? 0) + (crowd ? 0 : area));
      }
      return { image: { key, file: join(root, folder, image.fileName) }, classes: shown, pixels: image.width * image.height };
    });
  };
  return createBenchmark({
    name: 'COCO-20i',
    classes: classes.filter(({ id }) => !options.leaveOut?.includes(id)),
    novel: Array.from({ length: BENCHMARK_FOLDS }, (_, fold) =>
      classes.filter((_class, i) => i % BENCHMARK_FOLDS === fold).map(({ id }) => id),
    ),
    rule: 'by class',
    training: await index(training, `train${year}`),
    test: await index(test, `val${year}`),
    minPixels: options.minPixels ?? DEFAULT_MIN_PIXELS,
    lists: await readImageLists(options.lists ?? join(root, 'fss_list')),
    labels: async ({ key, file }) => {
      const source = sources.get(key);
      if (!source) throw new ProsamError('DATASET_INVALID', `COCO-20i: expected one of its images, got ${key}.`);
      const labels = await drawLabels(source.from.file, source.image, classOf);
      await checkImageSize(file, labels, `${source.from.file}, image ${key}`);
      return labels;
    },
  });
}

async function yearOf(root: string): Promise<string> {
  for (const year of YEARS) {
    const sides = [`annotations/instances_train${year}.json`, `annotations/instances_val${year}.json`];
    const there = await Promise.all(sides.map((file) => stat(join(root, file)).catch(() => undefined)));
    if (there.every((info) => info?.isFile())) return year;
    const missing = sides.filter((_, i) => !there[i]);
    if (missing.length === 1) throw notFound(root, `there is no ${missing[0] as string} in it`, ['coco']);
  }
  throw notFound(root, `there are no annotations/instances_*.json in it`, ['coco']);
}

function checkCategories(training: CocoFile, test: CocoFile): void {
  const names = ({ categories }: CocoFile): string[] => categories.map(({ id, name }) => `${id} ${name}`).sort();
  const [ours, theirs] = [names(training), names(test)];
  const differing = [...ours.filter((name) => !theirs.includes(name)), ...theirs.filter((name) => !ours.includes(name))];
  if (differing.length > 0 || new Set(training.categories.map(({ id }) => id)).size !== ours.length) {
    throw new ProsamError(
      'DATASET_INVALID',
      `${test.file}: expected the categories of ${training.file}, each once, but these differ or repeat: ${listed(differing)}. Use files that belong together.`,
    );
  }
  if (ours.length < 1 || ours.length > MAX_CLASSES) {
    throw new ProsamError('DATASET_INVALID', `${training.file}: expected 1 to ${MAX_CLASSES} categories, got ${ours.length}.`);
  }
}
