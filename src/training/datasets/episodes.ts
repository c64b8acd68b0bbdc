/** Drawing episodes: a class, a reference and a target that both show it. */
import { uniformInt, type Random } from '../../core/common/random.ts';
import type { DatasetImage, Episode } from '../types.ts';

/** The images one side of a fold draws from. */
export interface EpisodePool {
  /** Every image that shows at least one of the classes well enough, in the order of the data. */
  images: readonly DatasetImage[];
  /** Class id -> the images that show it well enough; at least two each. */
  byClass: ReadonlyMap<number, readonly DatasetImage[]>;
  /** Image key -> the classes of the fold it shows at all, however small. */
  present: ReadonlyMap<string, readonly number[]>;
}

/** A class of `classes`, each equally likely, then two different images of it. */
export function episodesByClass(pool: EpisodePool, classes: readonly number[], count: number, random: Random): Episode[] {
  return Array.from({ length: count }, () => {
    const classId = pick(random, classes);
    const images = pool.byClass.get(classId) as readonly DatasetImage[];
    const target = uniformInt(random, 0, images.length - 1);
    return { classId, reference: pickOther(random, images, target), target: images[target] as DatasetImage };
  });
}

/** For each target in turn one of the classes it shows, each equally likely, and another image of that class. */
export function episodesByImage(pool: EpisodePool, targets: readonly DatasetImage[], random: Random): Episode[] {
  return targets.map((target) => {
    const classId = pick(random, pool.present.get(target.key) as readonly number[]);
    const images = pool.byClass.get(classId) as readonly DatasetImage[];
    return { classId, reference: pickOther(random, images, images.indexOf(target)), target };
  });
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[uniformInt(random, 0, items.length - 1)] as T;
}

/** Any of the images but the one at `not` (-1: it is not among them), each equally likely, in one draw. */
function pickOther(random: Random, images: readonly DatasetImage[], not: number): DatasetImage {
  if (not < 0) return pick(random, images);
  const drawn = uniformInt(random, 0, images.length - 2);
  return images[drawn < not ? drawn : drawn + 1] as DatasetImage;
}
