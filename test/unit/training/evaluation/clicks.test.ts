import { describe, expect, it } from 'vitest';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { largestObject, nextClick } from '../../../../src/training/evaluation/clicks.ts';

/** '#' is object, '?' is ignored. */
function drawn(...rows: string[]): { mask: BinaryMask; ignore: Uint8Array } {
  const text = rows.join('');
  const pixels = (of: string): Uint8Array => Uint8Array.from(text, (char) => (char === of ? 1 : 0));
  return { mask: { data: pixels('#'), width: rows[0]?.length ?? 0, height: rows.length }, ignore: pixels('?') };
}
const nothing = ({ data }: BinaryMask): Uint8Array => new Uint8Array(data.length);

describe('largestObject', () => {
  it('keeps the largest connected region in its place', () => {
    const { mask } = drawn('##....', '......', '...###', '...###');
    expect(largestObject(mask)).toEqual(drawn('......', '......', '...###', '...###').mask);
  });

  it('is nothing in an empty mask', () => {
    expect(largestObject(drawn('...').mask)).toBeUndefined();
  });
});

describe('nextClick', () => {
  it('begins in the middle of the object', () => {
    const { mask, ignore } = drawn('.......', '.#####.', '.#####.', '.#####.', '.......');
    // Every pixel of the middle row but its ends is as deep; the first is taken.
    expect(nextClick(mask, nothing(mask), ignore)).toEqual({ point: [2.5, 2.5], positive: true });
  });

  it('counts the image’s border as a border of the object', () => {
    const { mask, ignore } = drawn('#####', '#####', '#####', '#####', '#####');
    expect(nextClick(mask, nothing(mask), ignore)).toEqual({ point: [2.5, 2.5], positive: true });
  });

  it('stays inside an object that bends', () => {
    const { mask, ignore } = drawn('#######', '#######', '##...##', '##...##', '##...##');
    const [x, y] = nextClick(mask, nothing(mask), ignore)?.point ?? [0, 0];
    expect(mask.data[Math.floor(y) * mask.width + Math.floor(x)]).toBe(1);
  });

  it('goes to the largest error, beside the object where that was covered', () => {
    const { mask, ignore } = drawn('###......', '###......', '###......');
    const wrong = drawn('.#...####', '##...####', '##...####').mask.data;
    expect(nextClick(mask, wrong, ignore)).toEqual({ point: [6.5, 1.5], positive: false });
    const less = drawn('...#.....', '.........', '.........').mask.data;
    expect(nextClick(mask, less, ignore)).toEqual({ point: [1.5, 1.5], positive: true });
  });

  it('takes connected regions, not the sum of scattered pixels', () => {
    const { mask, ignore } = drawn('.........', '.........', '......###', '......###');
    const scattered = drawn('#.#.#.#.#', '.........', '.........', '.........').mask.data;
    expect(nextClick(mask, scattered, ignore)?.positive).toBe(true);
  });

  it('is not made for ignored pixels, nor where nothing is wrong', () => {
    const { mask, ignore } = drawn('###???', '###???');
    expect(nextClick(mask, drawn('######', '######').mask.data, ignore)).toBeUndefined();
    expect(nextClick(mask, mask.data, ignore)).toBeUndefined();
  });
});
