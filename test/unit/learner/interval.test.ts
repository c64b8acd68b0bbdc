/** The interval of the gate, against NumPy and SciPy (tools/learner/reference.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expandedTail, gainInterval, type Gain } from '../../../src/learner/interval.ts';

interface Reference {
  intervals: { name: string; images: [label: string, gain: number][][]; mean: number; low: number; high: number }[];
  tails: { images: number; tail: number }[];
}
const { intervals, tails } = JSON.parse(readFileSync(new URL('golden/reference.json', import.meta.url), 'utf8')) as Reference;
const gainsOf = (images: Reference['intervals'][number]['images']): Gain[] =>
  images.flatMap((pairs, i) => pairs.map(([label, gain]) => ({ label, image: `i${i}`, gain })));

describe('gainInterval', () => {
  it.each(intervals)('comes close to the enumeration of all draws: $name', ({ images, mean, low, high }) => {
    const found = gainInterval(gainsOf(images), 100_000);
    expect(found.mean).toBeCloseTo(mean, 12);
    expect(found.images).toBe(images.length);
    // The tail of five images is 0.00095, so that 100,000 draws give its quantile to about a tenth of the distance between ends.
    const span = high - low;
    expect(Math.abs(found.low - low)).toBeLessThan(0.03 * span);
    expect(Math.abs(found.high - high)).toBeLessThan(0.03 * span);
    const usual = gainInterval(gainsOf(images));
    expect(Math.abs(usual.low - low)).toBeLessThan(0.12 * span);
  });

  it('is the same whenever it is asked, and in any order of an image', () => {
    const gains = gainsOf((intervals[3] as Reference['intervals'][number]).images);
    expect(gainInterval(gains)).toEqual(gainInterval([...gains]));
  });

  it.each(tails)('takes its tail as SciPy does: $images images', ({ images, tail }) => {
    expect(Math.abs(expandedTail(images) - tail)).toBeLessThan(2e-7 + 5e-4 * tail);
  });

  it('says nothing of two images, and nothing of what is no number', () => {
    expect(gainInterval(gainsOf([[['cup', 0.5]], [['cup', 0.5]]]))).toEqual({ mean: 0.5, low: -1, high: 1, images: 2 });
    expect(gainInterval(gainsOf([[['cup', NaN]], [['cup', 1]], [['cup', 1]], [['cup', 1]]]))).toMatchObject({ low: -1, high: 1 });
  });

  it('counts the pairs of one image once: twenty labels of one image say no more than one', () => {
    const one = Array.from({ length: 20 }, (_, i): Gain => ({ label: `l${i}`, image: 'a', gain: 0.2 }));
    expect(gainInterval(one)).toMatchObject({ low: -1, high: 1, images: 1 });
  });
});
