import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONCEPT_FOLDS } from '../../../src/scenes/concepts.ts';
import { conceptMask, generateScene } from '../../../src/scenes/scene.ts';
import type { Scene } from '../../../src/scenes/scene.ts';

const anySeed = fc.maxSafeInteger();
const anySize = fc.integer({ min: 1, max: 80 });
const anyConcept = fc.integer({ min: 0, max: 47 });

describe('determinism', () => {
  test('the same seed and options give the same scene', () => {
    fc.assert(
      fc.property(anySeed, anySize, anyConcept, (seed, size, concept) => {
        const options = { size, force: [concept] };
        expect(generateScene(seed, options)).toEqual(generateScene(seed, options));
      }),
      { numRuns: 30 },
    );
  });

  test('different seeds give different pictures', () => {
    const pictures = Array.from({ length: 50 }, (_, seed) => generateScene(seed - 10, { size: 32 }).image.join());
    expect(new Set(pictures).size).toBe(50);
  });

  test('the options do not outlive a call, nor are their lists changed', () => {
    const allowed = Object.freeze([1, 2, 3]);
    const force = Object.freeze([7]);
    const before = generateScene(5, { size: 48 });
    generateScene(5, { size: 48, allowed, force });
    expect(generateScene(5, { size: 48 })).toEqual(before);
  });
});

describe('properties of every scene', () => {
  test('width and height are the size asked for, 256 by default, and the arrays fit', () => {
    expect(generateScene(3).width).toBe(256);
    fc.assert(
      fc.property(anySeed, anySize, (seed, size) => {
        const scene = generateScene(seed, { size });
        expect([scene.width, scene.height]).toEqual([size, size]);
        expect([scene.image.length, scene.instances.length]).toEqual([size * size * 3, size * size]);
      }),
      { numRuns: 30 },
    );
  });

  test('the instances are 1..n, one per concept listed, each with its share of pixels', () => {
    fc.assert(
      fc.property(anySeed, anySize, (seed, size) => {
        const scene = generateScene(seed, { size });
        const areas = instanceAreas(scene);
        const ids = scene.concepts.map((_, index) => index + 1);
        expect([...areas.keys()].filter((id) => id > 0).sort((a, b) => a - b)).toEqual(ids);
        expect(ids.length).toBeLessThanOrEqual(10);
        for (const id of ids) expect(areas.get(id)).toBeGreaterThanOrEqual(0.002 * size * size);
      }),
      { numRuns: 100 },
    );
  });

  test('only allowed and forced concepts appear', () => {
    fc.assert(
      fc.property(
        anySeed,
        fc.uniqueArray(anyConcept, { minLength: 1, maxLength: 5 }),
        fc.uniqueArray(anyConcept, { maxLength: 3 }),
        (seed, allowed, force) => {
          const { concepts } = generateScene(seed, { size: 48, allowed, force });
          for (const concept of concepts) expect([...allowed, ...force]).toContain(concept);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a concept has pixels exactly when it is listed', () => {
    fc.assert(
      fc.property(anySeed, anyConcept, (seed, concept) => {
        const scene = generateScene(seed, { size: 48, force: [concept] });
        expect(conceptMask(scene, concept).includes(1)).toBe(scene.concepts.includes(concept));
      }),
      { numRuns: 60 },
    );
  });

  test('a forced concept appears unless it is hidden or tiny, so nearly always', () => {
    const seeds = Array.from({ length: 200 }, (_, seed) => seed);
    const present = seeds.filter((seed) => {
      const concept = seed % 48;
      const others = CONCEPT_FOLDS[(concept + 1) % 4] as readonly number[];
      return generateScene(seed, { size: 48, allowed: others, force: [concept] }).concepts.includes(concept);
    });
    expect(present.length / seeds.length).toBeGreaterThan(0.9);
  });
});

describe('conceptMask', () => {
  const scene: Scene = {
    width: 3,
    height: 2,
    image: new Uint8Array(18),
    instances: Uint8Array.of(0, 1, 2, 3, 3, 0),
    concepts: [5, 0, 5],
  };

  test('is the union of the instances of the concept', () => {
    expect([...conceptMask(scene, 5)]).toEqual([0, 1, 0, 1, 1, 0]);
    expect([...conceptMask(scene, 0)]).toEqual([0, 0, 1, 0, 0, 0]);
  });

  test('is empty for a concept that is not there', () => {
    expect([...conceptMask(scene, 7)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

test('what makes no sense is refused, by name', () => {
  expect(() => generateScene(0.5)).toThrow('seed');
  expect(() => generateScene(1, { size: 0 })).toThrow('size');
  expect(() => generateScene(1, { size: 10.5 })).toThrow('size');
  expect(() => generateScene(1, { allowed: [] })).toThrow('allowed');
  expect(() => generateScene(1, { allowed: [48] })).toThrow('48');
  expect(() => generateScene(1, { force: [-1] })).toThrow('-1');
});

/** Number of pixels by instance id. */
function instanceAreas(scene: Scene): Map<number, number> {
  const areas = new Map<number, number>();
  for (const id of scene.instances) areas.set(id, (areas.get(id) ?? 0) + 1);
  return areas;
}
