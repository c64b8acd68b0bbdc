/** Orders in which the images of a pool are labeled. */
import { uniformInt, type Random } from '../../../src/core/common/random.ts';
import type { UnlabelledImage } from '../../../src/service/ports/next-images.ts';
import { rankImages } from '../../../src/service/next/rank-images.ts';
import type { PoolAnswer } from './project.ts';

export const ORDERS = ['random', 'uncertainty', 'presence', 'novelty', 'without novelty', 'combination'] as const;
export type Order = (typeof ORDERS)[number];

export const ABOUT: Readonly<Record<Order, string>> = {
  random: 'as they come',
  uncertainty: 'largest uncertainty first, as in version 0.2.0',
  presence: 'largest probability of showing the label first',
  novelty: 'least like what is labeled or chosen before',
  'without novelty': '(1 - score) x presence',
  combination: '(1 - score) x presence x novelty, as the service ranks them',
};

/** Facts when the next images are asked for. */
export interface Known {
  /** Images of the pool that nobody labeled, and what is answered for each of them. */
  answers: ReadonlyMap<number, PoolAnswer>;
  /** Images that were labeled, showing the label or not. */
  labeled: readonly number[];
  /** Vector of each image of the pool. */
  looks: readonly Uint8Array[];
}

/** -> images to label next, best first: `count` of them, or all that are left */
export async function ordered(order: Order, { answers, labeled, looks }: Known, count: number, random: Random): Promise<number[]> {
  const left = [...answers.keys()];
  const answer = (i: number): PoolAnswer => answers.get(i) as PoolAnswer;
  if (order === 'random') {
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(uniformInt(random, 0, left.length - 1), 1)[0] as number);
  }
  if (order === 'novelty' || order === 'combination') {
    const images = left.map((i) => ({
      ...{ sha256: String(i), gain: order === 'novelty' ? 1 : answer(i).gain },
      look: looks[i],
    })) as unknown as UnlabelledImage[];
    const ranked = await rankImages(
      images,
      labeled.map((i) => looks[i] as Uint8Array),
      count,
    );
    return ranked.slice(0, count).map(({ sha256 }) => Number(sha256));
  }
  const value = (i: number): number =>
    ({ uncertainty: answer(i).uncertainty, presence: answer(i).present, 'without novelty': answer(i).gain })[order];
  return left.toSorted((a, b) => value(b) - value(a)).slice(0, count);
}
