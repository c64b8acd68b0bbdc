import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitInstances, type Region } from '../../../../src/core/mask/instances.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { boundingBox, emptyMask, maskArea } from '../../../../src/core/mask/raster.ts';
import { anyMask, maskOf, textOf } from './any-mask.ts';

/** The regions put back where they were cut from; a pixel of two regions would read 2. */
function together(regions: readonly Region[], { width, height }: BinaryMask): Uint8Array {
  const out = emptyMask(width, height);
  for (const { mask, boxXyxy } of regions) {
    mask.data.forEach((value, i) => {
      const at = (boxXyxy[1] + Math.floor(i / mask.width)) * width + boxXyxy[0] + (i % mask.width);
      out.data[at] = (out.data[at] as number) + value;
    });
  }
  return out.data;
}

/** Labels spread to all eight neighbours until nothing changes: slow, but plainly right. */
function labels(mask: BinaryMask): Int32Array {
  const label = Int32Array.from(mask.data, (value, i) => (value === 0 ? 0 : i + 1));
  for (let changed = true; changed;) {
    changed = false;
    label.forEach((own, i) => {
      if (own === 0) return;
      const [x, y] = [i % mask.width, Math.floor(i / mask.width)];
      for (const [dx, dy] of [-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b): [number, number] => [a, b]))) {
        if (x + dx < 0 || x + dx >= mask.width || y + dy < 0 || y + dy >= mask.height) continue;
        const other = label[(y + dy) * mask.width + x + dx] as number;
        if (other > (label[i] as number)) [label[i], changed] = [other, true];
      }
    });
  }
  return label;
}

describe('splitInstances', () => {
  test('gives each region its box, area and mask, largest first', () => {
    const mask = maskOf('#..##', '...##', '.....', '.#...');
    const regions = splitInstances(mask, 1);
    expect(regions.map(({ boxXyxy, area }) => ({ boxXyxy, area }))).toEqual([
      { boxXyxy: [3, 0, 5, 2], area: 4 },
      { boxXyxy: [0, 0, 1, 1], area: 1 },
      { boxXyxy: [1, 3, 2, 4], area: 1 },
    ]);
  });

  test('diagonal neighbours belong together', () => {
    const regions = splitInstances(maskOf('#..', '.#.', '#.#'), 1);
    expect(regions.map(({ area }) => area)).toEqual([4]);
    expect(textOf(regions[0]?.mask as BinaryMask)).toEqual(['#..', '.#.', '#.#']);
  });

  test('a row does not continue on the next', () => {
    expect(splitInstances(maskOf('..#', '...', '#..'), 1).length).toBe(2);
    expect(splitInstances(maskOf('..#', '#..'), 1).length).toBe(2);
  });

  test('regions of fewer pixels than asked for are left out', () => {
    const mask = maskOf('##..#', '.....', '###..');
    expect(splitInstances(mask, 2).map(({ area }) => area)).toEqual([3, 2]);
    expect(splitInstances(mask, 2.5).map(({ area }) => area)).toEqual([3]);
    expect(splitInstances(mask, 4)).toEqual([]);
  });

  test('an empty mask has no regions, a full one has one', () => {
    expect(splitInstances(emptyMask(5, 4), 1)).toEqual([]);
    const full = { data: new Uint8Array(20).fill(255), width: 5, height: 4 };
    expect(splitInstances(full, 1)).toEqual([{ boxXyxy: [0, 0, 5, 4], area: 20, mask: { ...full, data: new Uint8Array(20).fill(1) } }]);
  });

  test('the regions of any mask are its connected parts, disjoint, complete and tight', () => {
    fc.assert(
      fc.property(anyMask(16), (mask) => {
        const regions = splitInstances(mask, 1);
        expect(together(regions, mask)).toEqual(mask.data);
        const label = labels(mask);
        expect(regions.length).toBe(new Set(label.filter((own) => own !== 0)).size);
        for (const region of regions) {
          expect(region.area).toBe(maskArea(region.mask));
          expect(boundingBox(region.mask)).toEqual([0, 0, region.mask.width, region.mask.height]);
          const [x0, y0] = region.boxXyxy;
          const found = new Set<number>();
          region.mask.data.forEach((value, i) => {
            const at = (y0 + Math.floor(i / region.mask.width)) * mask.width + x0 + (i % region.mask.width);
            if (value !== 0) found.add(label[at] as number);
          });
          expect(found.size).toBe(1);
        }
        const areas = regions.map(({ area }) => area);
        expect(areas).toEqual(areas.toSorted((a, b) => b - a));
      }),
    );
  });
});
