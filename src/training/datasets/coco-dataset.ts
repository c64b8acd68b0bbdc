/** COCO-20i: instance annotations as label maps; fold f tests the classes whose position (from 0) leaves f when divided by 4. */
import { stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import type { Dataset } from '../types.ts';
import { createBenchmark, refuseMissing } from './benchmark.ts';
import { decideCrowds } from './coco-crowds.ts';
import { readCocoFile, readShapes, type CocoFile, type CocoImage } from './coco-annotations.ts';
import { notFound } from './expected-tree.ts';
import { filesIn } from './folder-files.ts';
import { drawShapes } from './forms/shapes.ts';
import { BENCHMARK_FOLDS, readImageLists } from './image-lists.ts';
import { checkImageSize, listed } from './label-check.ts';
import type { IndexedImage } from './label-index.ts';
import { DEFAULT_MIN_PIXELS, type OpenDatasetOptions } from './options.ts';
import { createTally } from './tally.ts';

/** 2014 is the benchmark; 2017 holds the same images, split differently. */
const YEARS = ['2014', '2017'] as const;
const MAX_CLASSES = 254;

export const COCO_FILES = YEARS.flatMap((year) => [`annotations/instances_train${year}.json`, `annotations/instances_val${year}.json`]);

export const COCO_FOLDERS = YEARS.flatMap((year) => [`train${year}`, `val${year}`]);

/**
 * Annotation files are read once from end to end; outlines are read again from their place in the file, image by image.
 * @throws DATASET_NOT_FOUND, DATASET_INVALID; the signal's reason
 */
export async function openCoco(root: string, options: OpenDatasetOptions): Promise<Dataset> {
  const year = await yearOf(root);
  const tally = createTally();
  const training = await readCocoFile(join(root, 'annotations', `instances_train${year}.json`), tally, options);
  const test = await readCocoFile(join(root, 'annotations', `instances_val${year}.json`), tally, options);
  const categories = [...training.categories].sort((a, b) => Number(a.id) - Number(b.id));
  checkCategories(training, test);
  const classOf = new Map(categories.map(({ id }, i) => [id, i + 1]));
  const classes = categories.map(({ name }, i) => ({ id: i + 1, name }));
  const { crowdsIgnored, notes } = decideCrowds([training, test], tally, options);

  const sources = new Map<string, { from: CocoFile; image: CocoImage }>();
  const index = async (from: CocoFile, folder: string): Promise<IndexedImage[]> => {
    const files = await filesIn(join(root, folder));
    if (!files) throw notFound(root, `there is no folder ${folder}/ in it`, ['coco']);
    const there = new Map(files.map((name) => [name.normalize('NFC'), name]));
    const indexed = from.images.flatMap((image): IndexedImage[] => {
      if (image.annotations.length === 0) return [];
      if (/[/\\]/.test(image.fileName)) {
        tally.add('path outside the folder', image.fileName);
        return [];
      }
      const file = there.get(image.fileName.normalize('NFC'));
      if (file === undefined || image.size === undefined) {
        tally.add(file === undefined ? 'image not found' : 'unreadable entry', image.fileName);
        return [];
      }
      const key = parse(image.fileName).name;
      if (sources.has(key)) {
        tally.add('entry twice', image.fileName);
        return [];
      }
      sources.set(key, { from, image });
      const shown = new Map<number, number>();
      for (const { categoryId, area, crowd } of image.annotations) {
        const id = classOf.get(categoryId) as number;
        shown.set(id, (shown.get(id) ?? 0) + (crowd && crowdsIgnored ? 0 : area));
      }
      return [{ image: { key, file: join(root, folder, file) }, classes: shown, pixels: image.size[0] * image.size[1] }];
    });
    if (indexed.length === 0)
      refuseMissing(
        root,
        `annotated images are not in ${folder}/`,
        from.images.map(({ fileName }) => fileName),
      );
    return indexed;
  };
  const benchmark = createBenchmark({
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
      const { from, image } = source;
      const size = image.size as readonly [number, number];
      const shapes = await readShapes(from.file, image.annotations, size, { label: (id) => classOf.get(id) as number, crowdsIgnored });
      const labels = await drawShapes(shapes, ...size, (label) => label);
      await checkImageSize(file, labels, `${from.file}, image ${key}`);
      return labels;
    },
  });
  const reading = { path: root, form: 'COCO-20i', images: sources.size, labels: classes.length, leftOut: tally.list(), notes };
  return { ...benchmark, readings: [reading] };
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
