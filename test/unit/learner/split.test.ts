/** Which images the gate holds back. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignSplits, type SplitImage } from '../../../src/learner/split.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const imagesOf = (labels: readonly (readonly string[])[], from = 0): SplitImage[] =>
  labels.map((own, i) => ({ sha256: hash(`image ${from + i}`), labels: own }));
const LABELS = ['cup', 'plate', 'fork', 'jug', 'tray'];
const labelLists = fc.array(fc.subarray(LABELS, { minLength: 1 }), { maxLength: 40 });

function place(images: readonly SplitImage[], share = 0.25): SplitImage[] {
  const placed = new Map(assignSplits('p', images, share).map(({ sha256, split }) => [sha256, split]));
  return images.map((image) => {
    const split = image.split ?? placed.get(image.sha256);
    return { ...image, ...(split && { split }) };
  });
}

const countOf = (images: readonly SplitImage[], label: string, split: string): number =>
  images.filter((image) => image.split === split && image.labels.includes(label)).length;

describe('assignSplits', () => {
  it('places every image once, for good, whatever the order', () => {
    fc.assert(
      fc.property(labelLists, labelLists, (first, second) => {
        const before = place(imagesOf(first));
        const later = imagesOf(second, first.length);
        const placed = assignSplits('p', [...before, ...later], 0.25);
        expect(placed.map(({ sha256 }) => sha256).sort()).toEqual(later.map(({ sha256 }) => sha256).sort());
        expect(assignSplits('p', [...later].reverse().concat(before), 0.25)).toEqual(placed);
        expect(assignSplits('p', place([...before, ...later]), 0.25)).toEqual([]);
      }),
    );
  });

  it('never tests what it cannot train, unless it never could', () => {
    fc.assert(
      fc.property(labelLists, (labels) => {
        const placed = place(imagesOf(labels));
        for (const label of LABELS) {
          const [train, gate] = [countOf(placed, label, 'train'), countOf(placed, label, 'gate')];
          if (train + gate >= 3 && gate > 0) expect(train).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });

  it('tests every label that three images show alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 3, max: 12 }), { minLength: 1, maxLength: 5 }), (counts) => {
        const labels = counts.flatMap((count, i) => Array.from({ length: count }, () => [LABELS[i] as string]));
        const placed = place(imagesOf(labels));
        counts.forEach((_, i) => expect(countOf(placed, LABELS[i] as string, 'gate')).toBeGreaterThanOrEqual(1));
      }),
    );
  });

  it('tests a label that only comes along with rare ones', () => {
    const placed = place(
      imagesOf([
        ['cup', 'a'],
        ['cup', 'b'],
        ['cup', 'c'],
        ['cup', 'd'],
      ]),
    );
    expect(countOf(placed, 'cup', 'gate')).toBe(1);
  });

  it('holds back about the share it is told to', () => {
    for (const share of [0.1, 0.25, 0.5]) {
      const placed = place(imagesOf(Array.from({ length: 400 }, () => ['cup'])), share);
      expect(Math.abs(countOf(placed, 'cup', 'gate') / 400 - share)).toBeLessThan(0.02);
    }
  });

  it('splits every project in its own way', () => {
    const images = imagesOf(Array.from({ length: 40 }, () => ['cup']));
    const gateOf = (project: string): string[] =>
      assignSplits(project, images, 0.25)
        .filter(({ split }) => split === 'gate')
        .map(({ sha256 }) => sha256)
        .sort();
    expect(gateOf('a')).not.toEqual(gateOf('b'));
  });
});
