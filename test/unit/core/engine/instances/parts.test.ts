/** Parts of a region: drawn by hand. */
import { describe, expect, it } from 'vitest';
import { partsOf } from '../../../../../src/core/engine/instances/parts.ts';
import { runStepsSync } from '../../../../../src/core/mask/cooperative.ts';
import { splitInstances, type Region } from '../../../../../src/core/mask/instances.ts';
import type { Point } from '../../../../../src/core/mask/raster.ts';

const regionOf = (...lines: string[]): Region => {
  const width = (lines[0] as string).length;
  const data = Uint8Array.from(lines.join(''), (c) => (c === '#' ? 1 : 0));
  return splitInstances({ data, width, height: lines.length }, 1)[0] as Region;
};
const parts = (region: Region, groups: Point[][], leastArea = 1) => runStepsSync(partsOf(region, groups, leastArea));
/** Pixels of all parts, each at most once. */
const drawn = (found: readonly Region[], width: number, height: number): number[] => {
  const counts = new Array<number>(width * height).fill(0);
  for (const {
    boxXyxy: [x0, y0],
    mask,
    area,
  } of found) {
    expect(mask.data.reduce((sum, value) => sum + value, 0)).toBe(area);
    mask.data.forEach((value, i) => {
      const at = (y0 + Math.floor(i / mask.width)) * width + x0 + (i % mask.width);
      counts[at] = (counts[at] as number) + value;
    });
  }
  return counts;
};

describe('parts', () => {
  it('take the pixels whose nearest point is theirs, with tight boxes in the image', () => {
    const region = regionOf('........', '.######.', '.######.');
    const found = parts(region, [[[2, 2]], [[6.5, 2]]]);
    // Middle between the points at x = 4.25: pixel centres 1.5 to 3.5 go left, 4.5 to 6.5 right.
    expect(found.map(({ boxXyxy, area }) => [boxXyxy, area])).toEqual([
      [[1, 1, 4, 3], 6],
      [[4, 1, 7, 3], 6],
    ]);
  });

  it('are not torn: what hangs apart goes to the part that it touches', () => {
    // The right arm is nearer to the point in the left one than to the one below.
    const region = regionOf('#.#', '#.#', '#.#', '#.#', '#.#', '###', '###');
    const found = parts(region, [[[0.5, 0.5]], [[1.5, 6.5]]]);
    expect(found).toHaveLength(2);
    for (const { mask } of found) expect(splitInstances(mask, 1)).toHaveLength(1);
    expect(drawn(found, 3, 7)).toEqual(Array.from('#.##.##.##.##.#######').map((c) => (c === '#' ? 1 : 0)));
  });

  it('are not tiny: one below the least area joins its neighbour, and if all are, the region stays whole', () => {
    const region = regionOf('##########');
    const three: Point[][] = [[[0.5, 0.5]], [[2.5, 0.5]], [[8.5, 0.5]]];
    // Pixels 1 and 5 lie in the middle between two points: the first takes them.
    expect(parts(region, three).map(({ area }) => area)).toEqual([4, 4, 2]);
    expect(parts(region, three, 3).map(({ area }) => area)).toEqual([6, 4]);
    expect(parts(region, three, 5).map(({ area }) => area)).toEqual([10]);
  });

  it('pause in a large region', () => {
    const [width, height] = [1000, 600];
    const mask = { data: new Uint8Array(width * height).fill(1), width, height };
    const steps = partsOf({ boxXyxy: [0, 0, width, height], area: width * height, mask }, [[[250, 300]], [[750, 300]]], 1);
    let pauses = 0;
    let turn = steps.next();
    for (; turn.done !== true; turn = steps.next()) pauses++;
    expect(pauses).toBeGreaterThan(20);
    expect(turn.value.map(({ area }) => area)).toEqual([300_000, 300_000]);
  });
});
