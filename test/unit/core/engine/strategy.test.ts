import { aboveZero } from '../../../../src/core/mask/resize-map.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeLogits, STRATEGIES, type MergeStrategy } from '../../../../src/core/engine/strategy.ts';

const MERGES = STRATEGIES.filter((strategy): strategy is MergeStrategy => strategy !== 'mean_prompt');
const PIXELS = 8;
const anyMaps = fc.array(
  fc.float32Array({ minLength: PIXELS, maxLength: PIXELS, min: -20, max: 20, noNaN: true }).map((map) => map.map((value) => value + 0)),
  { minLength: 1, maxLength: 12 },
);

/** Maps of one pixel each that votes as given. */
const votes = (...values: number[]): Float32Array[] => values.map((value) => Float32Array.of(value));
const decided = (strategy: MergeStrategy, ...values: number[]): number => aboveZero(mergeLogits(votes(...values), strategy))[0] as number;

describe('mergeLogits', () => {
  test('each strategy as the paper words it, pixel by pixel', () => {
    fc.assert(
      fc.property(anyMaps, (maps) => {
        const masks = Object.fromEntries(MERGES.map((strategy) => [strategy, aboveZero(mergeLogits(maps, strategy))]));
        for (let i = 0; i < PIXELS; i++) {
          const values = maps.map((map) => map[i] as number);
          const foreground = values.filter((value) => value > 0).length;
          const sum = values.reduce((total, value) => total + value, 0);
          expect(masks['max_logits']?.[i]).toBe(Math.max(...values) > 0 ? 1 : 0);
          if (Math.abs(sum) > 1e-4) expect(masks['mean_logits']?.[i]).toBe(sum > 0 ? 1 : 0);
          expect(masks['max_binary']?.[i]).toBe(foreground > 0 ? 1 : 0);
          expect(masks['mean_binary']?.[i]).toBe(foreground / maps.length >= 0.5 ? 1 : 0);
          expect(masks['majority_vote']?.[i]).toBe(foreground > maps.length / 2 ? 1 : 0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a tie of an even K is foreground by mean, background by majority', () => {
    for (const half of [1, 2, 50]) {
      const values = Array.from({ length: 2 * half }, (_, i) => (i < half ? 3 : -3));
      expect([decided('mean_binary', ...values), decided('majority_vote', ...values)]).toEqual([1, 0]);
    }
  });

  test('one vote short of a tie is background by both, at any K that can be asked for', () => {
    for (let samples = 2; samples <= 100; samples++) {
      const least = Math.ceil(samples / 2);
      const values = (foreground: number) => Array.from({ length: samples }, (_, i) => (i < foreground ? 1 : -1));
      expect(decided('mean_binary', ...values(least))).toBe(1);
      expect(decided('mean_binary', ...values(least - 1))).toBe(0);
      expect(decided('majority_vote', ...values(Math.floor(samples / 2) + 1))).toBe(1);
      expect(decided('majority_vote', ...values(Math.floor(samples / 2)))).toBe(0);
    }
  });

  test('the order of the maps does not matter, and one map decides alone', () => {
    fc.assert(
      fc.property(anyMaps, (maps) => {
        const [first] = maps as [Float32Array];
        for (const strategy of MERGES) {
          if (strategy !== 'mean_logits') expect(mergeLogits(maps.toReversed(), strategy)).toEqual(mergeLogits(maps, strategy));
          expect(aboveZero(mergeLogits([first], strategy))).toEqual(aboveZero(first));
        }
      }),
    );
  });

  test('the union covers every other mask', () => {
    fc.assert(
      fc.property(anyMaps, (maps) => {
        const union = aboveZero(mergeLogits(maps, 'max_binary'));
        for (const strategy of MERGES) {
          aboveZero(mergeLogits(maps, strategy)).forEach((value, i) => expect(value).toBeLessThanOrEqual(union[i] as number));
        }
        expect(aboveZero(mergeLogits(maps, 'max_logits'))).toEqual(union);
      }),
    );
  });

  test('logits of exactly 0 are background', () => {
    for (const strategy of MERGES) expect(decided(strategy, 0, 0, 0)).toBe(0);
  });

  test('no maps are an error of the caller', () => {
    expect(() => mergeLogits([], 'max_logits')).toThrow('no logits');
  });
});

test('maskFromField: 1 where positive, 0 elsewhere and where there is no number', () => {
  expect([...aboveZero(Float32Array.of(1, 0, -1, -0, 1e-30, NaN, Infinity, -Infinity))]).toEqual([1, 0, 0, 0, 1, 0, 1, 0]);
});
