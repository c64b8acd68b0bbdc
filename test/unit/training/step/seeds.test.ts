import { expect, it } from 'vitest';
import { randomFor, MAX_INDEX } from '../../../../src/training/step/seeds.ts';

const first = (...args: Parameters<typeof randomFor>): string => {
  const random = randomFor(...args);
  return [random(), random(), random()].join();
};

it('gives the same draws for the same seed, stream and index', () => {
  expect(first(321, 'step', 7)).toBe(first(321, 'step', 7));
});

it('gives other draws for every seed, stream and index', () => {
  const streams = ['start', 'step', 'episodes', 'test', 'annotations', 'variant'] as const;
  const all = [0, 1, 2, 321, 322, 2 ** 31].flatMap((seed) =>
    streams.flatMap((stream) => [0, 1, 2, 3, 1000, 2 ** 20, MAX_INDEX - 1, MAX_INDEX].map((index) => first(seed, stream, index))),
  );
  expect(new Set(all).size).toBe(all.length);
});

it('gives numbers that do not follow the index', () => {
  const values = Array.from({ length: 400 }, (_, i) => randomFor(321, 'step', i)());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const correlation = values.slice(1).reduce((sum, value, i) => sum + (value - mean) * ((values[i] as number) - mean), 0) / values.length;
  expect(mean).toBeGreaterThan(0.45);
  expect(mean).toBeLessThan(0.55);
  expect(Math.abs(correlation)).toBeLessThan(0.02); // the variance is 1 / 12
});
