/** Specks and holes: what is taken away and filled, and what never is. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { cleanMask, type CleanOptions } from '../../../../src/core/mask/clean-mask.ts';
import { splitInstances } from '../../../../src/core/mask/instances.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { maskArea } from '../../../../src/core/mask/raster.ts';
import { anyMarkedMask, anyMask, maskOf, textOf } from './any-mask.ts';

function cleaned(mask: BinaryMask, options: CleanOptions): BinaryMask {
  const copy = { ...mask, data: Uint8Array.from(mask.data) };
  cleanMask(copy, options);
  return copy;
}

const SPECKS = maskOf('#....###', '..#..#.#', '.#...###', '........', '####....', '#..#..##', '#..#....', '####....');

describe('cleanMask', () => {
  test.each<[name: string, options: CleanOptions, rows: string[]]>([
    ['leaves all as it is without options', {}, textOf(SPECKS)],
    ['leaves all as it is for regions of one pixel', { minArea: 1, fillHoles: false, largestOnly: false }, textOf(SPECKS)],
    // Two pixels that touch at a corner are one region of two.
    ['takes specks', { minArea: 2 }, ['.....###', '..#..#.#', '.#...###', '........', '####....', '#..#..##', '#..#....', '####....']],
    [
      'takes regions below the area',
      { minArea: 9 },
      ['........', '........', '........', '........', '####....', '#..#....', '#..#....', '####....'],
    ],
    [
      'takes a share of the image',
      { minArea: 3 / 64 },
      ['.....###', '.....#.#', '.....###', '........', '####....', '#..#....', '#..#....', '####....'],
    ],
    [
      'leaves the largest region, however small',
      { minArea: 1000 },
      ['........', '........', '........', '........', '####....', '#..#....', '#..#....', '####....'],
    ],
    [
      'fills small holes',
      { fillHoles: 1 },
      ['#....###', '..#..###', '.#...###', '........', '####....', '#..#..##', '#..#....', '####....'],
    ],
    [
      'fills a share of the image',
      { fillHoles: 4 / 64 },
      ['#....###', '..#..###', '.#...###', '........', '####....', '####..##', '####....', '####....'],
    ],
    [
      'fills every hole',
      { fillHoles: true, largestOnly: true },
      ['........', '........', '........', '........', '####....', '####....', '####....', '####....'],
    ],
  ])('%s', (_, options, rows) => {
    expect(textOf(cleaned(SPECKS, options))).toEqual(rows);
  });

  it('fills no gap that reaches the border or leads out between two corners, but holes of one region', () => {
    const open = maskOf('###.', '#.#.', '##.#', '....');
    expect(textOf(cleaned(open, { fillHoles: true }))).toEqual(['###.', '###.', '##.#', '....']);
    const notch = maskOf('####', '#..#', '#.##', '#.##');
    expect(textOf(cleaned(notch, { fillHoles: true }))).toEqual(textOf(notch));
  });

  it('fills what a region leaves that it took from a hole', () => {
    const island = maskOf('#####', '#...#', '#.#.#', '#...#', '#####');
    expect(textOf(cleaned(island, { minArea: 2, fillHoles: 9 }))).toEqual(['#####', '#####', '#####', '#####', '#####']);
    expect(textOf(cleaned(island, { minArea: 2, fillHoles: 8 }))).toEqual(['#####', '#...#', '#...#', '#...#', '#####']);
  });

  it('keeps exactly the regions that are large enough, for any mask', () => {
    fc.assert(
      fc.property(anyMask(20), fc.integer({ min: 0, max: 30 }), (mask, minArea) => {
        const regions = splitInstances(mask, 1).map(({ area }) => area);
        const kept = splitInstances(cleaned(mask, { minArea }), 1).map(({ area }) => area);
        const wanted = regions.filter((area, place) => place === 0 || area >= minArea);
        expect(kept).toEqual(wanted);
      }),
      { numRuns: 300, seed: 9 },
    );
  });

  it('never empties a mask, and cleaning twice is cleaning once', () => {
    const options = fc.record({
      minArea: fc.constantFrom(0, 0.01, 0.5, 1, 3, 1e6),
      fillHoles: fc.constantFrom<boolean | number>(false, true, 0.02, 2, 50),
      largestOnly: fc.boolean(),
    });
    fc.assert(
      fc.property(anyMarkedMask(18), options, (mask, chosen) => {
        const once = cleaned(mask, chosen);
        expect(maskArea(once)).toBeGreaterThan(0);
        if (chosen.largestOnly) expect(splitInstances(once, 1)).toHaveLength(1);
        expect(cleaned(once, { ...chosen, minArea: 0, largestOnly: false })).toEqual(once);
      }),
      { numRuns: 300, seed: 9 },
    );
  });

  it('takes masks without pixels', () => {
    expect(cleaned(maskOf(), { minArea: 5, fillHoles: true, largestOnly: true }).data).toHaveLength(0);
    expect(textOf(cleaned(maskOf('...', '...'), { minArea: 5, fillHoles: true, largestOnly: true }))).toEqual(['...', '...']);
  });
});
