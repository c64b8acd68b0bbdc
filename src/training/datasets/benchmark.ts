/** Common part of both benchmarks: image lists per fold, either ready-made or built by the same rules. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Dataset, DatasetClass, DatasetImage, Fold, LabelMap } from '../types.ts';
import type { EpisodePool } from './episodes.ts';
import { createFold, noSuchFold, otherClasses, poolOf, type EpisodeRule } from './fold.ts';
import type { FoldLists, ImageList } from './image-lists.ts';
import { listed } from './label-check.ts';
import type { IndexedImage } from './label-index.ts';

export interface Benchmark {
  name: string;
  classes: readonly DatasetClass[];
  /** Novel class ids per fold, before classes are left out. */
  novel: readonly (readonly number[])[];
  rule: EpisodeRule;
  training: readonly IndexedImage[];
  test: readonly IndexedImage[];
  minPixels: number;
  /** Ready lists per fold, where there are any. */
  lists: readonly FoldLists[];
  labels: (image: DatasetImage) => Promise<LabelMap>;
}

export function createBenchmark(benchmark: Benchmark): Dataset {
  const { name, classes, novel, rule, training, test, minPixels, lists, labels } = benchmark;
  const shows = (pixels: number): boolean => pixels >= minPixels;
  const ids = classes.map(({ id }) => id);
  const plan = (foldName: string, base: readonly number[], novelIds: readonly number[], pools: [EpisodePool, EpisodePool]): Fold =>
    createFold({
      dataset: name,
      name: foldName,
      classes,
      base,
      novel: novelIds,
      rule,
      training: pools[0],
      test: pools[1],
      remedy: `Complete the data, lower the least size (now ${minPixels} pixels), or leave the class out`,
    });
  return {
    name,
    classes,
    folds: novel.length,
    labels,
    fold: (index) => {
      if (index === 'all') return plan('all', ids, ids, [poolOf(training, ids, shows), poolOf(test, ids, shows)]);
      const novelIds = novel[index]?.filter((id) => ids.includes(id));
      if (!novelIds) throw noSuchFold(name, index, novel.length);
      const base = otherClasses(classes, novelIds);
      const ready = lists[index];
      // An image that shows a novel class would teach it as background: the benchmarks' training lists have none.
      const clean = (): IndexedImage[] => training.filter((image) => !novel[index]?.some((id) => image.classes.has(id)));
      return plan(String(index), base, novelIds, [
        ready?.training ? poolOfList(name, ready.training, training, base) : poolOf(clean(), base, shows),
        ready?.test ? poolOfList(name, ready.test, test, novelIds) : poolOf(test, novelIds, shows),
      ]);
    },
  };
}

function poolOfList(name: string, list: ImageList, images: readonly IndexedImage[], classes: readonly number[]): EpisodePool {
  const byKey = new Map(images.map((entry) => [entry.image.key, entry]));
  const find = (key: string): IndexedImage => {
    const entry = byKey.get(key);
    if (!entry) throw new ProsamError('DATASET_INVALID', `${name}: its image list names ${key}, but there is no such image or label map.`);
    return entry;
  };
  const byClass = new Map(classes.map((id) => [id, (list.byClass.get(id) ?? []).map((key) => find(key).image)]));
  const entries = list.images.map(find).filter((entry) => classes.some((id) => entry.classes.has(id)));
  return {
    images: entries.map(({ image }) => image),
    byClass,
    present: new Map(entries.map(({ image, classes: shown }) => [image.key, classes.filter((id) => shown.has(id))])),
  };
}

/** @throws DATASET_INVALID naming the first few */
export function refuseMissing(root: string, what: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new ProsamError(
    'DATASET_INVALID',
    `${root}: ${missing.length} ${what}: ${listed(missing, 5)}. Complete the data, or take the images from the lists.`,
  );
}
