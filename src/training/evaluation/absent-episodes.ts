/** Episodes whose target does not show the class: what a method that always finds something gets wrong. */
import { sampleWithout } from '../../core/common/random.ts';
import { randomFor } from '../step/seeds.ts';
import type { Dataset, DatasetImage, Episode } from '../types.ts';

/** For every episode up to `count` of its own reference and class, on other episodes' images without a pixel of the class; fewer where there are none. */
export async function absentEpisodes(
  { labels }: Pick<Dataset, 'labels'>,
  episodes: readonly Episode[],
  seed: number,
  count = 1,
): Promise<Episode[][]> {
  const images = [
    ...new Map(episodes.flatMap(({ reference, target }) => [reference, target].map((one) => [one.key, one] as const))).values(),
  ];
  const shown = new Map<string, ReadonlySet<number>>();
  const shows = async (image: DatasetImage, classId: number): Promise<boolean> => {
    const found = shown.get(image.key) ?? new Set((await labels(image)).data);
    shown.set(image.key, found);
    return found.has(classId);
  };
  const all: Episode[][] = [];
  for (const [index, episode] of episodes.entries()) {
    const found: Episode[] = [];
    for (const target of sampleWithout(randomFor(seed, 'test', index + 1), images, images.length)) {
      if (found.length === count) break;
      if (target.key === episode.reference.key || (await shows(target, episode.classId))) continue;
      found.push({ ...episode, target });
    }
    all.push(found);
  }
  return all;
}
