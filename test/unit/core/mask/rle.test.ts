import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cocoRleFromMaskSync, maskFromCocoRle, runsFromMask, type CocoRle } from '../../../../src/core/mask/rle.ts';
import { emptyMask, fillBox } from '../../../../src/core/mask/raster.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { expectCode } from '../expect-error.ts';
import { anyMask, maskOf } from './any-mask.ts';

function boxes(width: number, height: number, ...list: [number, number, number, number][]): BinaryMask {
  const mask = emptyMask(width, height);
  for (const box of list) fillBox(mask, box);
  return mask;
}

/** counts as pycocotools 2.0.11 writes them: mask.encode(np.asfortranarray(mask))['counts'] */
const COCO: [name: string, mask: BinaryMask, counts: string][] = [
  ['empty', maskOf('....', '....', '....'), '<'],
  ['full', maskOf('####', '####', '####'), '0<'],
  ['first pixel only', maskOf('#..', '...'), '015'],
  ['last pixel only', maskOf('...', '..#'), '51'],
  ['chequered', maskOf('.#.#.', '#.#.#', '.#.#.', '#.#.#'), '11110O10O10O10O0'],
  ['ring', maskOf('####', '#..#', '#..#', '####'), '052M03'],
  [
    'random',
    maskOf('##..#..', '#.##...', '..#..##', '.##....', '#.##..#', '.#..#..', '.....#.', '#.#.#.#', '.#.##..'),
    '022O00O010O010O31M0000111OM11O1010M010O',
  ],
  ['two boxes', boxes(640, 480, [50, 100, 53, 300], [620, 10, 622, 470]), 'Tag0X6h8000VfY8T8fQfG0f]8'],
  ['corners of a large mask', boxes(3000, 2000, [0, 0, 1, 1], [2999, 1999, 3000, 2000]), '01n[Sg50'],
];

describe('COCO RLE', () => {
  test.each(COCO)('%s mask is written as pycocotools writes it, and read back', (_, mask, counts) => {
    expect(cocoRleFromMaskSync(mask)).toEqual({ size: [mask.height, mask.width], counts });
    const read = maskFromCocoRle({ size: [mask.height, mask.width], counts });
    expect([read.width, read.height]).toEqual([mask.width, mask.height]);
    expect(Buffer.from(read.data).equals(mask.data)).toBe(true);
  });

  test('any mask comes back from text and from a list of runs', () => {
    fc.assert(
      fc.property(anyMask(40), (mask) => {
        expect(maskFromCocoRle(cocoRleFromMaskSync(mask))).toEqual(mask);
        expect(maskFromCocoRle({ size: [mask.height, mask.width], counts: runsFromMask(mask) })).toEqual(mask);
      }),
    );
  });

  test('runs go down the columns, start with zeros and add up to the pixels', () => {
    expect(runsFromMask(maskOf('#.', '#.', '.#'))).toEqual([0, 2, 3, 1]);
    fc.assert(
      fc.property(anyMask(20), (mask) => {
        const runs = runsFromMask(mask);
        expect(runs.reduce((sum, run) => sum + run, 0)).toBe(mask.data.length);
        expect(runs.slice(1).every((run) => run > 0)).toBe(true);
      }),
    );
  });

  test('any non-zero value counts as set', () => {
    expect(cocoRleFromMaskSync({ data: Uint8Array.of(0, 255, 7, 0), width: 4, height: 1 }).counts).toBe('121');
  });

  test('runs of no pixels are allowed inside', () => {
    expect(maskFromCocoRle({ size: [1, 4], counts: [1, 0, 1, 1, 1] })).toEqual(maskOf('..#.'));
  });
});

describe('refused with ANNOTATION_INVALID', () => {
  const refused: [problem: string, rle: unknown, message: RegExp][] = [
    ['too few pixels', { size: [2, 3], counts: [5] }, /cover 5 of 2 x 3/],
    ['too many pixels', { size: [2, 3], counts: [7] }, /run 0 of length 7/],
    ['too many pixels in all', { size: [2, 3], counts: [4, 2, 1] }, /run 2 of length 1/],
    ['no runs', { size: [2, 3], counts: [] }, /cover 0/],
    ['no text', { size: [2, 3], counts: '' }, /cover 0/],
    ['text of too few pixels', { size: [2, 3], counts: '5' }, /cover 5/],
    ['text of too many pixels', { size: [2, 3], counts: '7' }, /run 0 of length 7/],
    ['a negative run', { size: [2, 3], counts: [8, -2] }, /run 0 of length 8/],
    ['a negative run in text', { size: [2, 3], counts: 'O' }, /run 0 of length -1/],
    ['a fractional run', { size: [2, 3], counts: [5.5, 0.5] }, /5.5/],
    ['a run that is not a number', { size: [2, 3], counts: [NaN, 6] }, /NaN/],
    ['a run of text', { size: [2, 3], counts: ['6'] }, /run 0/],
    ['an endless run', { size: [2, 3], counts: [Infinity] }, /Infinity/],
    ['a character below the alphabet', { size: [2, 3], counts: '/' }, /character "\/"/],
    ['a character above the alphabet', { size: [2, 3], counts: 'p' }, /character "p"/],
    ['a character beyond ASCII', { size: [2, 3], counts: '6é' }, /character "é"/],
    ['a line end', { size: [2, 3], counts: '6\n' }, /character "\\n"/],
    ['a number cut off', { size: [480, 640], counts: 'Tag' }, /middle of a number/],
    ['a number of more than 30 bits', { size: [2, 3], counts: 'ooooooooooo0' }, /too large/],
    ['a seventh group, though it be empty', { size: [2, 3], counts: 'VPPPPP0' }, /too large/],
    ['a negative size', { size: [-2, -3], counts: [6] }, /size/],
    ['an empty size', { size: [0, 3], counts: [0] }, /size/],
    ['a size that is not a number', { size: [NaN, 3], counts: [6] }, /size/],
    ['a fractional size', { size: [1.5, 4], counts: [6] }, /size/],
    ['a size as text', { size: ['2', '3'], counts: [6] }, /size/],
    ['one number of size', { size: [6], counts: [6] }, /size/],
    ['three numbers of size', { size: [1, 2, 3], counts: [6] }, /size/],
    ['no size', { counts: [6] }, /size/],
    ['nothing', null, /size/],
    ['text alone', '6', /size/],
    ['no counts', { size: [2, 3] }, /counts/],
    ['counts of another type', { size: [2, 3], counts: { 0: 6 } }, /counts/],
  ];
  test.each(refused)('%s', (_, rle, message) => {
    expectCode('ANNOTATION_INVALID', () => maskFromCocoRle(rle as CocoRle), message);
  });

  test('sizes no image has, before anything is allocated for them', () => {
    const before = process.memoryUsage().arrayBuffers;
    const sizes: [number, number][] = [
      [30_000, 30_000],
      [2 ** 29, 1],
      [2 ** 31, 2 ** 31],
      [Number.MAX_SAFE_INTEGER, 1],
      [Number.MAX_VALUE, 1],
      [Infinity, 1],
    ];
    for (const size of sizes) expectCode('ANNOTATION_INVALID', () => maskFromCocoRle({ size, counts: [size[0] * size[1]] }), 'size');
    // An allowed size alone claims nothing either: the runs have to be there first.
    for (let i = 0; i < 50; i++)
      expectCode('ANNOTATION_INVALID', () => maskFromCocoRle({ size: [20_000, 20_000], counts: '6' }), 'cover 6');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
  });

  test('whatever the text and size, the answer is a mask of that size or this error', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.array(fc.integer({ min: 48, max: 111 }), { maxLength: 30 }).map((codes) => String.fromCharCode(...codes)),
    );
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(text, fc.tuple(side, side), (counts, size) => {
        let mask: BinaryMask;
        try {
          mask = maskFromCocoRle({ size, counts });
        } catch (error) {
          expectCode('ANNOTATION_INVALID', () => {
            throw error;
          });
          return;
        }
        expect([mask.height, mask.width, mask.data.length]).toEqual([...size, size[0] * size[1]]);
        // What was understood is what is meant: written again it gives the same mask.
        expect(maskFromCocoRle(cocoRleFromMaskSync(mask))).toEqual(mask);
      }),
      { numRuns: 1000 },
    );
  });

  test('a damaged text of a real mask gives a mask of the same size or this error', () => {
    const { size, counts } = cocoRleFromMaskSync(boxes(64, 48, [5, 5, 20, 40], [30, 2, 60, 9]));
    fc.assert(
      fc.property(fc.nat(counts.length - 1), fc.integer({ min: 48, max: 111 }), (at, code) => {
        const damaged = counts.slice(0, at) + String.fromCharCode(code) + counts.slice(at + 1);
        try {
          expect(maskFromCocoRle({ size, counts: damaged }).data.length).toBe(64 * 48);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ANNOTATION_INVALID' });
        }
      }),
      { numRuns: 500 },
    );
  });
});
