/** Targets that do not show what the reference marks: their truth is an empty mask. */
import { uniformInt, type Random } from '../../core/common/random.ts';
import type { Dataset, Episode } from '../types.ts';

/** Draws before an episode keeps its own target: nearly every image may show the class. */
const MAX_TRIES = 8;

/**
 * The episode with a target of another episode that shows no pixel of its class, if one is found.
 *
 * pool: episodes to draw targets from; of a mixture only those of the same data set, as others do not label the class
 */
export async function withAbsentTarget(
  episode: Episode,
  pool: readonly Episode[],
  labels: Dataset['labels'],
  random: Random,
): Promise<Episode> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const { target, source } = pool[uniformInt(random, 0, pool.length - 1)] as Episode;
    if (source !== episode.source || target.key === episode.reference.key) continue;
    if (!(await labels(target)).data.includes(episode.classId)) return { ...episode, target };
  }
  return episode;
}
