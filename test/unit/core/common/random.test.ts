import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chiSquare, gamma, normal, sampleWithout, seededRandom, uniformInt, type Random } from '../../../../src/core/common/random.ts';

const DRAWS = 40_000;

/** Mean, variance, skewness and kurtosis of many draws. Seeds are fixed, so these tests pass always or never. */
function moments(draw: (random: Random) => number, seed = 1): { mean: number; variance: number; skewness: number; kurtosis: number } {
  const random = seededRandom(seed);
  const values = Array.from({ length: DRAWS }, () => draw(random));
  const mean = values.reduce((sum, value) => sum + value, 0) / DRAWS;
  const central = (power: number): number => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / DRAWS;
  const variance = central(2);
  return { mean, variance, skewness: central(3) / variance ** 1.5, kurtosis: central(4) / variance ** 2 };
}

describe('seededRandom', () => {
  test('numbers from 0 up to but without 1, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [a, b] = [seededRandom(seed), seededRandom(seed)];
        for (let i = 0; i < 50; i++) {
          const value = a();
          expect(value).toBe(b());
          expect(value >= 0 && value < 1).toBe(true);
        }
      }),
    );
  });

  test('streams of different seeds differ and do not share state', () => {
    const first = new Set(Array.from({ length: 1000 }, (_, seed) => seededRandom(seed)()));
    expect(first.size).toBe(1000);
    const [a, b] = [seededRandom(1), seededRandom(1)];
    a();
    expect(b()).toBe(seededRandom(1)());
  });

  test('is uniform', () => {
    const { mean, variance, kurtosis } = moments((random) => random());
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.006);
    expect(Math.abs(variance * 12 - 1)).toBeLessThan(0.03);
    expect(Math.abs(kurtosis - 1.8)).toBeLessThan(0.05);
  });
});

describe('uniformInt', () => {
  test('whole numbers within both ends, whatever the stream yields', () => {
    const extremes = fc.constantFrom(0, 1 - 2 ** -53, 0.5);
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), fc.nat(1000), extremes, (low, span, value) => {
        const drawn = uniformInt(() => value, low, low + span);
        expect(Number.isInteger(drawn) && drawn >= low && drawn <= low + span).toBe(true);
      }),
    );
    expect([0, 1 - 2 ** -53].map((value) => uniformInt(() => value, -3, 2))).toEqual([-3, 2]);
  });

  test('every number equally often', () => {
    const random = seededRandom(8);
    const counts = new Map<number, number>();
    for (let i = 0; i < 7000; i++) {
      const value = uniformInt(random, -3, 3);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe('normal', () => {
  test('mean 0, variance 1, no skew, kurtosis 3', () => {
    const { mean, variance, skewness, kurtosis } = moments(normal);
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
    expect(Math.abs(skewness)).toBeLessThan(0.05);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.12);
  });

  test('is finite at both ends of the uniform stream', () => {
    for (const value of [0, 1 - 2 ** -53]) expect(Number.isFinite(normal(() => value))).toBe(true);
  });

  test('takes two numbers of the stream each time', () => {
    let taken = 0;
    const random = seededRandom(4);
    for (let i = 0; i < 10; i++) {
      normal(() => {
        taken++;
        return random();
      });
    }
    expect(taken).toBe(20);
  });
});

describe('gamma and chiSquare', () => {
  test.each([0.1, 0.5, 0.99, 1, 2.5, 30, 130.5])('gamma of shape %d has its mean, variance and skewness', (shape) => {
    const { mean, variance, skewness } = moments((random) => gamma(random, shape));
    expect(Math.abs(mean / shape - 1)).toBeLessThan(0.06);
    expect(Math.abs(variance / shape - 1)).toBeLessThan(0.1);
    expect(Math.abs(skewness / (2 / Math.sqrt(shape)) - 1)).toBeLessThan(0.15);
  });

  test.each([1, 5, 261])('chi-square of %d degrees of freedom has its mean and twice that variance', (freedom) => {
    const { mean, variance } = moments((random) => chiSquare(random, freedom), 3);
    expect(Math.abs(mean / freedom - 1)).toBeLessThan(0.03);
    expect(Math.abs(variance / (2 * freedom) - 1)).toBeLessThan(0.08);
  });

  test('chi-square of one degree of freedom is a squared normal', () => {
    const share = (draw: (random: Random) => number, below: number): number => {
      const random = seededRandom(6);
      return Array.from({ length: DRAWS }, () => draw(random)).filter((value) => value < below).length / DRAWS;
    };
    // 68.27 % and 95.45 % of a normal lie within one and two standard deviations.
    expect(Math.abs(share((random) => chiSquare(random, 1), 1) - 0.6827)).toBeLessThan(0.01);
    expect(Math.abs(share((random) => chiSquare(random, 1), 4) - 0.9545)).toBeLessThan(0.005);
  });

  test('draws are positive', () => {
    const random = seededRandom(2);
    for (let i = 0; i < 2000; i++) expect(gamma(random, 0.5)).toBeGreaterThan(0);
  });
});

describe('sampleWithout', () => {
  test('distinct items, as many as asked for or as there are; the list stays as it was', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { maxLength: 30 }), fc.nat(40), fc.integer(), (items, count, seed) => {
        const before = [...items];
        const taken = sampleWithout(seededRandom(seed), Object.freeze(items), count);
        expect(taken.length).toBe(Math.min(count, items.length));
        expect(new Set(taken).size).toBe(taken.length);
        for (const item of taken) expect(items).toContain(item);
        expect(items).toEqual(before);
        expect(sampleWithout(seededRandom(seed), items, count)).toEqual(taken);
      }),
    );
  });

  test('every order is equally likely', () => {
    const random = seededRandom(9);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = sampleWithout(random, ['a', 'b', 'c'], 3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(130);
  });
});

test('seeds 2^32 apart give different streams', () => {
  expect(seededRandom(1)()).not.toBe(seededRandom(1 + 2 ** 32)());
  expect(seededRandom(-5)()).not.toBe(seededRandom(5)());
});

describe('streams of small seeds', () => {
  test('begin anywhere, not all near one end', () => {
    const first = Array.from({ length: 400 }, (_, seed) => seededRandom(seed)());
    const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.06);
    expect(Math.min(...first)).toBeLessThan(0.02);
    expect(Math.max(...first)).toBeGreaterThan(0.98);
    expect(new Set(first.map((value) => Math.floor(value * 20))).size).toBe(20);
  });
});
