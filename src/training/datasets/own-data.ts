/** Own data, read whichever way, as a data set: splits, folds and episodes. */
import type { DatasetClass, Dataset, DatasetImage, Episode, LabelMap } from '../types.ts';
import { createFold, noSuchFold, poolOf } from './fold.ts';
import { foldsOf, inTurn, pairsOf, testKeysOf, type Fail } from './folder-folds.ts';
import type { IndexedImage } from './label-index.ts';
import type { Manifest } from './manifest.ts';
import { DEFAULT_MIN_AREA, DEFAULT_SPLIT_SEED, type OpenDatasetOptions } from './options.ts';

export interface OwnData {
  name: string;
  /** Classes that are not left out. */
  classes: readonly DatasetClass[];
  /** Statements of the data themselves. */
  manifest: Pick<Manifest, 'classes' | 'min_area' | 'split' | 'folds'>;
  /** Key -> its side, where the data say so. */
  entries: Readonly<Record<string, { split?: 'train' | 'test' | undefined }>>;
  indexed: readonly IndexedImage[];
  labels: (image: DatasetImage) => Promise<LabelMap>;
  fail: Fail;
  /** Advice for a class with too few images. minArea: the one in force. */
  remedy: (minArea: number) => string;
  /** Classes with too few images are left out instead of refused. */
  lenient?: boolean;
}

export function ownDataset(own: OwnData, options: OpenDatasetOptions): Dataset {
  const { name, classes, manifest, entries, indexed, fail, lenient = false } = own;
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

  const plan = (foldName: string, base: readonly number[], novel: readonly number[], ready: readonly Episode[] | undefined) =>
    createFold({
      dataset: name,
      name: foldName,
      classes,
      base,
      novel,
      rule: 'by class',
      splitIsStated: splitIsStated || lenient,
      lenient,
      training: poolOf(training, base, shows),
      test: poolOf(test, novel, shows),
      ...(ready && { pairs: ready }),
      remedy: own.remedy(minArea),
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
    labels: own.labels,
  };
}
