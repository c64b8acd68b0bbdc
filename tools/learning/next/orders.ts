/** Orders in which the images of a pool are labeled. */
import { uniformInt, type Random } from '../../../src/core/common/random.ts';
import { farthestFirst } from './novelty.ts';
import type { PoolAnswer } from './project.ts';

export const ORDERS = ['random', 'uncertainty', 'presence', 'novelty', 'gain', 'combination'] as const;
export type Order = (typeof ORDERS)[number];

export const ABOUT: Readonly<Record<Order, string>> = {
  random: 'as they come',
  uncertainty: 'largest uncertainty first',
  presence: 'largest probability of showing the label first',
  novelty: 'least like what is labeled or chosen before',
  gain: '(1 - score) x presence, as the service ranks them',
  combination: '(1 - score) x presence x novelty',
};

/** Facts when the next images are asked for. */
export interface Known {
  /** Images of the pool that nobody labeled, and what is answered for each of them. */
  answers: ReadonlyMap<number, PoolAnswer>;
  /** Images that were labeled, showing the label or not. */
  labeled: readonly number[];
  /** Mean feature of each image of the pool, length 1. */
  looks: readonly Float32Array[];
}

/** -> images to label next, best first: `count` of them, or all that are left */
export function ordered(order: Order, { answers, labeled, looks }: Known, count: number, random: Random): number[] {
  const left = [...answers.keys()];
  const answer = (i: number): PoolAnswer => answers.get(i) as PoolAnswer;
  if (order === 'random') {
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(uniformInt(random, 0, left.length - 1), 1)[0] as number);
  }
  if (order === 'novelty' || order === 'combination') {
    const weight = (i: number): number => (order === 'novelty' ? 1 : answer(i).gain);
    return farthestFirst(left, labeled, { looks, weight, count });
  }
  const value = (i: number): number => ({ uncertainty: answer(i).uncertainty, presence: answer(i).present, gain: answer(i).gain })[order];
  return left.toSorted((a, b) => value(b) - value(a)).slice(0, count);
}
