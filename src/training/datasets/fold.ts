/** A fold out of indexed images: who may be drawn in training and in testing, and a refusal where that is nobody. */
import { ProsamError } from '../../core/common/errors.ts';
import { sampleWithout } from '../../core/common/random.ts';
import type { DatasetClass, DatasetImage, Episode, Fold } from '../types.ts';
import { randomFor } from '../step/seeds.ts';
import { episodesByClass, episodesByImage, type EpisodePool } from './episodes.ts';
import type { IndexedImage } from './label-index.ts';

/**
 * - 'by image': every listed image is the target once per epoch, in an order of its own per epoch (PASCAL-5i)
 * - 'by class': classes are drawn equally often, then two of their images (COCO-20i, own folders)
 */
export type EpisodeRule = 'by image' | 'by class';

export interface FoldPlan {
  /** Name of the data, for error messages. */
  dataset: string;
  name: string;
  classes: readonly DatasetClass[];
  base: readonly number[];
  novel: readonly number[];
  rule: EpisodeRule;
  training: EpisodePool;
  test: EpisodePool;
  /** The data say themselves which images train: base classes that fewer than two of those show are left out instead of refused. */
  splitIsStated?: boolean;
  /** Classes to test on that fewer than two images show are left out, too, as long as one is left. */
  lenient?: boolean;
  /** The data's own test episodes. */
  pairs?: readonly Episode[];
  /** Advice for a class with too few images. */
  remedy: string;
}

/** Pool of the images that show one of `classes` well enough, as `shows` judges it. */
export function poolOf(
  images: readonly IndexedImage[],
  classes: readonly number[],
  shows: (pixels: number, image: IndexedImage) => boolean,
): EpisodePool {
  const byClass = new Map<number, DatasetImage[]>(classes.map((id) => [id, []]));
  const present = new Map<string, readonly number[]>();
  const listed: DatasetImage[] = [];
  for (const entry of images) {
    const found = [...entry.classes].filter(([id]) => byClass.has(id));
    const large = found.filter(([, pixels]) => pixels > 0 && shows(pixels, entry));
    if (large.length === 0) continue;
    listed.push(entry.image);
    present.set(
      entry.image.key,
      found.map(([id]) => id),
    );
    for (const [id] of large) byClass.get(id)?.push(entry.image);
  }
  return { images: listed, byClass, present };
}

/**
 * Images missing for training are reported where training episodes are asked for: data that only measure need none.
 * @throws DATASET_INVALID for a fold without classes, or with a class to test on that fewer than two images show
 */
export function createFold(plan: FoldPlan): Fold {
  const { name, training, test, rule, pairs } = plan;
  for (const [side, classes] of [
    ['train on', plan.base],
    ['test on', plan.novel],
  ] as const) {
    if (classes.length === 0) throw invalid(plan, `it has no classes to ${side}. Give it at least one`);
  }
  const untaught = scarceClasses(plan, plan.base, training, 'training');
  const isLearnable = (id: number): boolean => (training.byClass.get(id)?.length ?? 0) >= 2;
  const base = plan.splitIsStated ? plan.base.filter(isLearnable) : plan.base;
  const untested = pairs === undefined ? scarceClasses(plan, plan.novel, test, 'test') : [];
  const leaves = plan.lenient === true && untested.length < plan.novel.length;
  const novel = leaves ? plan.novel.filter((id) => (test.byClass.get(id)?.length ?? 0) >= 2) : plan.novel;
  const refuse = (scarce: readonly string[]): void => {
    if (scarce.length > 0) throw invalid(plan, `${scarce.join('; ')}. An episode takes two images of one class. ${plan.remedy}`);
  };
  // An own list of pairs needs no drawing.
  if (!leaves) refuse(untested);
  if (pairs?.length === 0) throw invalid(plan, 'its list of test pairs is empty. Fill it, or leave it out to have pairs drawn');
  return {
    name,
    base,
    novel,
    ...(untaught.length > 0 && { leftOut: untaught }),
    ...(leaves && untested.length > 0 && { untested }),
    trainingEpisodes: (epoch, seed) => {
      if (base.length === 0 || !plan.splitIsStated) refuse(untaught);
      const random = randomFor(seed, 'episodes', epoch);
      if (rule === 'by class') return episodesByClass(training, base, training.images.length, random);
      return episodesByImage(training, sampleWithout(random, training.images, training.images.length), random);
    },
    testEpisodes: (count, seed) => {
      if (pairs) return pairs.slice(0, count);
      const random = randomFor(seed, 'test');
      if (rule === 'by class') return episodesByClass(test, novel, count, random);
      const targets = Array.from({ length: count }, (_, i) => test.images[i % test.images.length] as DatasetImage);
      return episodesByImage(test, targets, random);
    },
  };
}

function scarceClasses(plan: FoldPlan, classes: readonly number[], pool: EpisodePool, side: string): string[] {
  return classes.flatMap((id) => {
    const count = pool.byClass.get(id)?.length ?? 0;
    if (count >= 2) return [];
    const name = plan.classes.find((one) => one.id === id)?.name ?? '';
    return [`class ${id} (${name}) is shown by ${count} ${side} image${count === 1 ? '' : 's'}, at least 2 are expected`];
  });
}

function invalid(plan: FoldPlan, problem: string): ProsamError {
  return new ProsamError('DATASET_INVALID', `${plan.dataset}, fold ${plan.name}: ${problem.replace(/\.?$/, '.')}`);
}

/** The base classes of a fold: all that are not novel. */
export function otherClasses(classes: readonly DatasetClass[], novel: readonly number[]): number[] {
  return classes.map(({ id }) => id).filter((id) => !novel.includes(id));
}

export function noSuchFold(dataset: string, index: number, folds: number): ProsamError {
  const there = folds === 0 ? 'its classes are not split into folds' : `it has the folds 0 to ${folds - 1}`;
  return new ProsamError('OPTION_INVALID', `${dataset}: expected fold ${index}, but ${there}. Name one of those, or 'all'.`);
}
