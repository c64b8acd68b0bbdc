/** Splits, folds and test pairs of own data: those the data name, checked, or the customary ones. */
import type { ProsamError } from '../../core/common/errors.ts';
import type { DatasetClass, Episode } from '../types.ts';
import { otherClasses } from './fold.ts';
import { listed } from './label-check.ts';
import type { IndexedImage } from './label-index.ts';
import type { Manifest, ManifestFold, ManifestImage } from './manifest.ts';
import { testKeysByName } from './name-split.ts';

/** Classes are split into this many folds where the data name none; with fewer classes they are not split. */
const FOLDS = 4;

/** The error of the data at hand, with a problem filled in. */
export type Fail = (problem: string) => ProsamError;

/** Keys of the images to test on. */
export function testKeysOf(
  manifest: Pick<Manifest, 'split'>,
  entries: Readonly<Record<string, Pick<ManifestImage, 'split'>>>,
  images: readonly IndexedImage[],
  shows: (pixels: number, image: IndexedImage) => boolean,
  seed: number,
  fail: Fail,
): Set<string> {
  if (manifest.split) {
    const unknown = manifest.split.test.filter((key) => !Object.hasOwn(entries, key));
    if (unknown.length > 0) throw fail(`expected names of images (without extension) in "split", but there are no ${listed(unknown)}.`);
    return new Set(manifest.split.test);
  }
  const stated = Object.entries(entries).filter(([, { split }]) => split !== undefined);
  if (stated.length === 0) {
    const named = images.map((entry) => ({
      key: entry.image.key,
      classes: [...entry.classes].filter(([, pixels]) => shows(pixels, entry)).map(([id]) => id),
    }));
    return testKeysByName(named, seed);
  }
  if (stated.length < images.length) {
    throw fail(`expected "split" for every image or for none, but ${images.length - stated.length} images lack it.`);
  }
  return new Set(stated.filter(([, { split }]) => split === 'test').map(([key]) => key));
}

export interface ClassFold {
  base: readonly number[];
  novel: readonly number[];
  pairs?: ManifestFold['pairs'];
}

/** Stated folds without the classes left out; otherwise class i of the list belongs to fold i modulo 4. */
export function foldsOf(manifest: Pick<Manifest, 'classes' | 'folds'>, classes: readonly DatasetClass[], fail: Fail): ClassFold[] {
  if (!manifest.folds) {
    if (classes.length < FOLDS) return [];
    return Array.from({ length: FOLDS }, (_, fold) => {
      const novel = classes.filter((_class, i) => i % FOLDS === fold).map(({ id }) => id);
      return { novel, base: otherClasses(classes, novel) };
    });
  }
  const stated = new Set(manifest.classes.map(({ id }) => id));
  const kept = (ids: readonly number[]): number[] => ids.filter((id) => classes.some((one) => one.id === id));
  return manifest.folds.map(({ novel, base = otherClasses(classes, novel), pairs }, i) => {
    const unknown = [...novel, ...base].filter((id) => !stated.has(id));
    if (unknown.length > 0) throw fail(`fold ${i}: expected ids of "classes", but there is no class ${listed(unknown)}.`);
    const both = novel.filter((id) => base.includes(id));
    if (both.length > 0) throw fail(`fold ${i}: expected novel classes apart from base classes, but ${listed(both)} are both.`);
    return { novel: kept(novel), base: kept(base), ...(pairs && { pairs }) };
  });
}

/** The data's own test pairs of a fold, without those of classes left out. */
export function pairsOf(
  fold: ClassFold,
  index: number,
  classes: readonly DatasetClass[],
  images: ReadonlyMap<string, IndexedImage>,
  testKeys: ReadonlySet<string>,
  fail: Fail,
): Episode[] | undefined {
  return fold.pairs
    ?.filter(([classId]) => classes.some(({ id }) => id === classId))
    .map(([classId, ...keys]) => {
      const where = `fold ${index}, pair ${JSON.stringify([classId, ...keys])}`;
      if (!fold.novel.includes(classId)) throw fail(`${where}: expected a novel class of the fold.`);
      const [reference, target] = keys.map((key) => {
        const entry = images.get(key);
        if (!entry) throw fail(`${where}: there is no image ${key}.`);
        if (!testKeys.has(key)) throw fail(`${where}: expected images held back for testing, but ${key} is one to train on.`);
        if (!entry.classes.has(classId)) throw fail(`${where}: expected the class in both images, but ${key} does not show it.`);
        return entry.image;
      }) as [IndexedImage['image'], IndexedImage['image']];
      if (reference === target) throw fail(`${where}: expected two different images.`);
      return { classId, reference, target };
    });
}

/** The lists' items in turn, so that the first few come from all of them. */
export function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}
