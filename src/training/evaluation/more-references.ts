/** Further references of test pairs, for measuring with several: other images of the same class among those that are tested. */
import { sampleWithout } from '../../core/common/random.ts';
import { randomFor } from '../step/seeds.ts';
import type { DatasetImage, Episode } from '../types.ts';

/** Most references of a pair. */
export const MAX_SHOTS = 50;

/**
 * For every episode up to `shots - 1` images that other episodes show its class in, none of them its own two; fewer where there are no more.
 * The first ones stay the same for any number of shots.
 */
export function moreReferences(episodes: readonly Episode[], shots: number, seed: number): DatasetImage[][] {
  const pools = new Map<number, Map<string, DatasetImage>>();
  for (const { classId, reference, target } of episodes) {
    const pool = pools.get(classId) ?? new Map<string, DatasetImage>();
    pools.set(classId, pool.set(reference.key, reference).set(target.key, target));
  }
  return episodes.map(({ classId, reference, target }, index) => {
    const others = [...(pools.get(classId)?.values() ?? [])].filter(({ key }) => key !== reference.key && key !== target.key);
    // No evaluation draws anything else from this stream.
    return sampleWithout(randomFor(seed, 'rehearsal', index), others, others.length).slice(0, shots - 1);
  });
}
