/** Classes of two data sets that mean the same, by their names. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Dataset, DatasetClass, Episode } from '../types.ts';

/** PASCAL's names for what COCO names otherwise. */
const ALSO_CALLED: Readonly<Record<string, string>> = {
  aeroplane: 'airplane',
  diningtable: 'diningtable',
  motorbike: 'motorcycle',
  pottedplant: 'pottedplant',
  sofa: 'couch',
  tvmonitor: 'tv',
};

/** Letters and digits alone, and one name for what has two: 'TV monitor' -> 'tv'. */
export function commonName(name: string): string {
  const plain = name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  return ALSO_CALLED[plain] ?? plain;
}

/** The classes whose names none of `others` has. */
export function classesApart(classes: readonly DatasetClass[], others: readonly DatasetClass[]): DatasetClass[] {
  const taken = new Set(others.map(({ name }) => commonName(name)));
  return classes.filter(({ name }) => !taken.has(commonName(name)));
}

/** Factor by which more pairs are drawn where too few show the requested classes. */
const MAX_DRAWN = 64;

/**
 * The data's classes of all folds with only some of them tested. foldName: what the one fold is called.
 * @throws DATASET_INVALID where none of the classes is left, or no pair shows one (from testEpisodes)
 */
export function testedOn(dataset: Dataset, classes: readonly DatasetClass[], foldName: string): Dataset {
  const allowed = new Set(classes.map(({ id }) => id));
  if (allowed.size === 0) {
    throw new ProsamError(
      'DATASET_INVALID',
      `${dataset.name}: expected classes that the training has not seen, but all ${dataset.classes.length} have the names of classes trained on. Name other test data or another fold.`,
    );
  }
  const whole = dataset.fold('all');
  const testEpisodes = (count: number, seed: number): Episode[] => {
    let found: Episode[] = [];
    for (let factor = 1; factor <= MAX_DRAWN; factor *= 2) {
      const drawn = whole.testEpisodes(count * factor, seed);
      found = drawn.filter(({ classId }) => allowed.has(classId));
      if (found.length >= count || drawn.length < count * factor) break;
    }
    return found.slice(0, count);
  };
  const fold = { ...whole, name: foldName, base: [], novel: [...allowed], testEpisodes };
  return { ...dataset, classes, folds: 0, fold: () => fold };
}
