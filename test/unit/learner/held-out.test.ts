/** Groups of images held out in turn. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { foldsOf } from '../../../src/learner/held-out.ts';
import type { SnapshotMask } from '../../../src/learner/snapshot.ts';

const mask = (image: string, split: 'train' | 'gate', label = 'cup'): SnapshotMask => ({
  ...{ label, split, sha256: createHash('sha256').update(image).digest('hex'), provenance: 'edited', isNew: true },
  rle: { size: [1, 1], counts: '01' },
});
const project = (train: number, gate: number): SnapshotMask[] => [
  ...Array.from({ length: train }, (_, i) => mask(`t${i}`, 'train')),
  ...Array.from({ length: gate }, (_, i) => mask(`g${i}`, 'gate')),
];
const sizes = (masks: readonly SnapshotMask[], folds = 4): number[] => foldsOf(masks, folds).map(({ length }) => length);

describe('foldsOf', () => {
  it('leaves out one image at a time below a dozen, all labels of it together', () => {
    expect(sizes(project(8, 3))).toEqual(Array<number>(8).fill(1));
    const groups = foldsOf([...project(5, 2), mask('t0', 'train', 'jug')], 4);
    expect(groups.map((group) => new Set(group.map(({ sha256 }) => sha256)).size)).toEqual([1, 1, 1, 1, 1]);
    expect(groups.flat()).toHaveLength(6);
  });

  it('makes groups of about one size beyond, each image in one of them', () => {
    expect(sizes(project(9, 3))).toEqual([3, 2, 2, 2]);
    const masks = project(30, 8);
    const found = foldsOf(masks, 4).flat();
    expect(new Set(found)).toEqual(new Set(masks.filter(({ split }) => split === 'train')));
    expect(found).toHaveLength(30);
  });

  it('makes none where enough images are held back for good, or none is asked for', () => {
    expect(sizes(project(36, 12))).toEqual([]);
    expect(sizes(project(8, 3), 0)).toEqual([]);
  });
});
