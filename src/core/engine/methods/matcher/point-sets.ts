/** Sets of points that prompt SAM together (Matcher, Liu et al., 2024). */
import { sampleWithout, type Random } from '../../../common/random.ts';

/**
 * Sets of every size from `least` to `largest` (no larger than there are points): all of a size where they are no more than `most`, in
 * colexicographic order, else as many distinct ones at random, less those that are drawn twice.
 *
 * count: of the points. -> numbers of points, ascending in each set
 */
export function pointSets(count: number, [least, largest]: readonly [number, number], most: number, random: Random): number[][] {
  const points = Array.from({ length: count }, (_, i) => i);
  const sets: number[][] = [];
  for (let size = Math.min(least, count); size <= Math.min(largest, count); size++) {
    if (size === 0) continue;
    if (combinations(count, size) <= most) {
      sets.push(...allSets(count, size));
      continue;
    }
    const drawn = new Map<string, number[]>();
    for (let i = 0; i < most; i++) {
      const set = sampleWithout(random, points, size).sort((a, b) => a - b);
      drawn.set(set.join(), set);
    }
    sets.push(...drawn.values());
  }
  return sets;
}

function combinations(count: number, size: number): number {
  let found = 1;
  for (let i = 1; i <= size; i++) found = (found * (count - size + i)) / i;
  return found;
}

/** Sorted by the largest member, then by the next largest, and so on. */
function allSets(count: number, size: number): number[][] {
  if (size === 0) return [[]];
  return Array.from({ length: count }, (_, last) => allSets(last, size - 1).map((set) => [...set, last])).flat();
}
