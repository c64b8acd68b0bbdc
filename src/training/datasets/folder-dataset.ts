/** Own images with label maps, as a folder or as a suite file, as training and test episodes. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ProsamError } from '../../core/common/errors.ts';
import type { Dataset, DatasetImage, Episode, LabelMap } from '../types.ts';
import { createFold, noSuchFold, poolOf } from './fold.ts';
import { foldsOf, inTurn, pairsOf, testKeysOf, type Fail } from './folder-folds.ts';
import { pairFiles } from './folder-files.ts';
import { checkImageSize, countLabels, listed } from './label-check.ts';
import { indexAll, type IndexedImage } from './label-index.ts';
import { readLabelPng } from './label-png.ts';
import { readManifest, type ManifestImage } from './manifest.ts';
import { DEFAULT_MIN_AREA, DEFAULT_SPLIT_SEED, type OpenDatasetOptions } from './options.ts';

/** @param manifestFile JSON; images and masks are beside it, below images/ and masks/ unless it says otherwise */
export async function openFolder(root: string, manifestFile: string, name: string, options: OpenDatasetOptions): Promise<Dataset> {
  const manifest = await readManifest(manifestFile);
  const fail: Fail = (problem) => new ProsamError('DATASET_INVALID', `${manifestFile}: ${problem}`);
  const known = new Set(manifest.classes.map(({ id }) => id));
  const leftOut = new Set([...(manifest.leave_out ?? []), ...(options.leaveOut ?? [])]);
  const classes = manifest.classes.filter(({ id }) => !leftOut.has(id));
  if (classes.length === 0) throw fail('expected at least one class that is not left out.');
  const entries = manifest.images ?? (await pairFiles(root));
  const files = (entry: ManifestImage): { image: string; mask: string } => ({
    image: join(root, entry.image),
    mask: join(root, entry.mask),
  });

  const read = async (entry: ManifestImage): Promise<LabelMap> => {
    const { image, mask } = files(entry);
    const labels = await readLabelPng(mask);
    await checkImageSize(image, labels, mask);
    return labels;
  };
  const indexed = await indexAll(
    Object.entries(entries),
    async ([key, entry]): Promise<IndexedImage> => {
      const image: DatasetImage = { key, file: files(entry).image };
      const stated = statedClasses(entry, known, (problem) => fail(`image ${key}: ${problem}`));
      if (stated) {
        for (const file of Object.values(files(entry))) {
          await access(file).catch((cause: unknown) => {
            throw new ProsamError('DATASET_INVALID', `${manifestFile}: image ${key}: expected the file ${file}, but it cannot be read.`, {
              cause,
            });
          });
        }
        return { image, ...stated };
      }
      const labels = await read(entry);
      return { image, classes: countLabels(labels, known, files(entry).mask), pixels: labels.data.length };
    },
    'label maps',
    options,
  );

  const minArea = options.minArea ?? manifest.min_area ?? DEFAULT_MIN_AREA;
  const shows = (pixels: number, image: IndexedImage): boolean => pixels >= minArea * image.pixels;
  const testAll = options.testOn === 'all';
  const testKeys = testAll
    ? new Set(Object.keys(entries))
    : testKeysOf(manifest, entries, indexed, shows, options.splitSeed ?? DEFAULT_SPLIT_SEED, fail);
  const splitIsStated = manifest.split !== undefined || Object.values(entries).some(({ split }) => split !== undefined);
  const training = testAll ? indexed : indexed.filter(({ image }) => !testKeys.has(image.key));
  const test = indexed.filter(({ image }) => testKeys.has(image.key));
  const folds = foldsOf(manifest, classes, fail);
  const byKey = new Map(indexed.map((entry) => [entry.image.key, entry]));
  const pairs = folds.map((fold, i) => pairsOf(fold, i, classes, byKey, testKeys, fail));

  const plan = (foldName: string, base: readonly number[], novel: readonly number[], own: readonly Episode[] | undefined) =>
    createFold({
      dataset: name,
      name: foldName,
      classes,
      base,
      novel,
      rule: 'by class',
      splitIsStated,
      training: poolOf(training, base, shows),
      test: poolOf(test, novel, shows),
      ...(own && { pairs: own }),
      remedy: `Add images, lower "min_area" (now ${minArea}), or put the class into "leave_out" in ${manifestFile}`,
    });
  return {
    name,
    classes,
    folds: folds.length,
    fold: (index) => {
      if (index === 'all') {
        const ids = classes.map(({ id }) => id);
        return plan('all', ids, ids, pairs.length > 0 && pairs.every((list) => list !== undefined) ? inTurn(pairs) : undefined);
      }
      const fold = folds[index];
      if (!fold) throw noSuchFold(name, index, folds.length);
      return plan(String(index), fold.base, fold.novel, pairs[index]);
    },
    labels: async (image) => {
      const entry = Object.hasOwn(entries, image.key) ? entries[image.key] : undefined;
      if (!entry) throw fail(`expected one of its images, got ${image.key}.`);
      const labels = await read(entry);
      countLabels(labels, known, files(entry).mask);
      return labels;
    },
  };
}

/** Classes a suite lists for an image, so that its label map need not be read. */
function statedClasses(
  { w, h, area }: ManifestImage,
  known: ReadonlySet<number>,
  fail: Fail,
): Pick<IndexedImage, 'classes' | 'pixels'> | undefined {
  if (w === undefined || h === undefined || area === undefined) return undefined;
  const shares = Object.entries(area).map(([id, share]): [number, number] => [Number(id), share]);
  const unknown = shares.map(([id]) => id).filter((id) => !known.has(id));
  if (unknown.length > 0) throw fail(`expected ids of "classes" in "area", but there is no class ${listed(unknown)}.`);
  const pixels = w * h;
  return { classes: new Map(shares.filter(([, share]) => share > 0).map(([id, share]) => [id, share * pixels])), pixels };
}
