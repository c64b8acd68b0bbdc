import { expect, test } from 'vitest';
import { CONCEPT_FOLDS, CONCEPTS } from '../../../src/scenes/concepts.ts';

test('there are 48 concepts, each at the index of its id, under names of their own', () => {
  expect(CONCEPTS.map((concept) => concept.id)).toEqual(Array.from({ length: 48 }, (_, id) => id));
  expect(new Set(CONCEPTS.map((concept) => concept.name)).size).toBe(48);
});

test('no two concepts share both shape and texture', () => {
  expect(new Set(CONCEPTS.map((concept) => `${concept.shape} ${concept.texture}`)).size).toBe(48);
});

test('the four folds of 12 partition the concepts', () => {
  expect(CONCEPT_FOLDS.map((fold) => fold.length)).toEqual([12, 12, 12, 12]);
  const ids = CONCEPT_FOLDS.flat().sort((a, b) => a - b);
  expect(ids).toEqual(CONCEPTS.map((concept) => concept.id));
});
