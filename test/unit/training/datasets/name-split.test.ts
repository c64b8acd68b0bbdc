import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testKeysByName, type NamedImage } from '../../../../src/training/datasets/name-split.ts';

const images = fc
  .array(fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }), { minLength: 1, maxLength: 60 })
  .map((shown) => shown.map((classes, i): NamedImage => ({ key: `photo ${i}`, classes })));

const count = (list: readonly NamedImage[], id: number): number => list.filter(({ classes }) => classes.includes(id)).length;

describe('the split by name', () => {
  it('is the same for the same names and seed, in any order', () => {
    fc.assert(
      fc.property(images, fc.nat(1000), (list, seed) => {
        expect([...testKeysByName([...list].reverse(), seed)].sort()).toEqual([...testKeysByName(list, seed)].sort());
      }),
    );
  });

  it('keeps two images of a class to train on, and two to test on where classes do not share images', () => {
    const single = fc
      .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 })
      .map((shown) => shown.map((id, i): NamedImage => ({ key: `photo ${i}`, classes: [id] })));
    fc.assert(
      fc.property(single, fc.nat(1000), (list, seed) => {
        const test = testKeysByName(list, seed);
        const held = list.filter(({ key }) => test.has(key));
        for (let id = 1; id <= 5; id++) {
          const [all, tested] = [count(list, id), count(held, id)];
          expect(all - tested).toBeGreaterThanOrEqual(Math.min(2, all));
          if (all >= 4) expect(tested).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });

  it('never starves a class of training images for the sake of another', () => {
    fc.assert(
      fc.property(images, fc.nat(1000), (list, seed) => {
        const test = testKeysByName(list, seed);
        const kept = list.filter(({ key }) => !test.has(key));
        const exclusive = [1, 2, 3, 4, 5, 6].filter(
          (id) => count(list, id) >= 2 && list.every(({ classes }) => !classes.includes(id) || classes.length === 1),
        );
        for (const id of exclusive) expect(count(kept, id)).toBeGreaterThanOrEqual(2);
      }),
    );
  });

  it('holds back about a quarter, and moves no image because another was added', () => {
    const many = Array.from({ length: 2000 }, (_, i) => ({ key: `photo ${i}`, classes: [1 + (i % 4)] }));
    const test = testKeysByName(many, 321);
    expect(test.size / many.length).toBeGreaterThan(0.22);
    expect(test.size / many.length).toBeLessThan(0.28);
    expect([...testKeysByName(many.slice(0, 1500), 321)].every((key) => test.has(key))).toBe(true);
    expect(testKeysByName(many, 322)).not.toEqual(test);
  });
});
