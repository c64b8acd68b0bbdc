/** Default split: decided by image names, so that adding images moves few others. */
import { createHash } from 'node:crypto';

/** Share of the images held back for testing. */
const TEST_SHARE = 0.25;
/** An episode takes two images of a class, on either side. */
const LEAST = 2;

export interface NamedImage {
  key: string;
  /** Classes it shows well enough. */
  classes: readonly number[];
}

/**
 * Keys of the images to test on. A quarter of all names hashes low enough; then images move so that every class keeps two
 * images to train on and, if it has four, two to test on, wherever that takes neither from another class.
 */
export function testKeysByName(images: readonly NamedImage[], seed: number): Set<string> {
  const ranked = images.map((image) => ({ ...image, rank: nameRank(image.key, seed) })).sort((a, b) => a.rank - b.rank);
  const test = new Set(ranked.filter(({ rank }) => rank < TEST_SHARE).map(({ key }) => key));
  const counts = { test: new Map<number, number>(), train: new Map<number, number>() };
  const count = (side: 'test' | 'train', id: number): number => counts[side].get(id) ?? 0;
  const put = (image: NamedImage, side: 'test' | 'train', by: 1 | -1): void => {
    for (const id of image.classes) counts[side].set(id, count(side, id) + by);
  };
  for (const image of ranked) put(image, test.has(image.key) ? 'test' : 'train', 1);
  const fill = (id: number, to: 'test' | 'train', candidates: readonly NamedImage[]): void => {
    const from = to === 'test' ? 'train' : 'test';
    for (const image of candidates) {
      if (count(to, id) >= LEAST) return;
      if (!image.classes.includes(id) || test.has(image.key) !== (from === 'test')) continue;
      // Training comes first: a class with few images is better learned than tested.
      if (image.classes.some((other) => count(from, other) <= LEAST && !(to === 'train' && other === id))) continue;
      put(image, from, -1);
      put(image, to, 1);
      if (to === 'test') test.add(image.key);
      else test.delete(image.key);
    }
  };
  const classes = [...new Set(images.flatMap((image) => image.classes))].sort((a, b) => a - b);
  for (const id of classes) fill(id, 'train', [...ranked].reverse());
  for (const id of classes) fill(id, 'test', ranked);
  return test;
}

/** In [0, 1), from the name and the seed alone. */
function nameRank(key: string, seed: number): number {
  return createHash('sha256').update(`${seed}:${key}`).digest().readUIntBE(0, 6) / 2 ** 48;
}
