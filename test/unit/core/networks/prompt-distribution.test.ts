import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DISTRIBUTIONS,
  drawNoise,
  noiseDeviation,
  noiseScale,
  samplePrompts,
  type DistributionConfig,
  type DistributionKind,
} from '../../../../src/core/networks/prompt-distribution.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';

const N = 256;
const NU = 5;
const VECTORS = 50;

/** Samples around mu = 0 with sigma = 1, so that they are the noise itself. */
function noise(config: DistributionConfig, samples: number, seed: number, width = N): Float32Array {
  const zeros = new Float32Array(VECTORS * width);
  return samplePrompts(config, zeros, zeros, drawNoise(config, samples, VECTORS, width, seededRandom(seed)), width);
}

function spread(values: Float32Array): { deviation: number; kurtosis: number } {
  let [second, fourth] = [0, 0];
  for (const value of values) {
    second += value ** 2 / values.length;
    fourth += value ** 4 / values.length;
  }
  return { deviation: Math.sqrt(second), kurtosis: fourth / second ** 2 };
}

describe('standard deviation over sigma and kurtosis, as the specification tabulates them (section 6)', () => {
  const table: [kind: DistributionKind, n: number, deviation: number, kurtosis: number][] = [
    ['student_t', 256, 0.139, 3.023],
    ['student_t_printed', 256, 2.245, 3.023],
    ['gaussian', 256, 1, 3],
    ['student_t', 12_800, 0.0198, 3.0005],
    ['student_t_printed', 12_800, 2.236, 3.0005],
  ];
  test.each(table)('%s, n = %i', (kind, n, deviation, kurtosis) => {
    const found = spread(noise({ kind, nu: NU, n }, 20, 321));
    expect(Math.abs(found.deviation / deviation - 1)).toBeLessThan(0.02);
    expect(Math.abs(found.kurtosis - kurtosis)).toBeLessThan(0.08);
  });

  test('noiseDeviation gives the same in closed form', () => {
    for (const [kind, n, deviation] of table)
      expect(Math.abs(noiseDeviation({ kind, nu: NU, n }) / deviation - 1), kind).toBeLessThan(0.005);
    for (const kind of ['heavy_tailed', 'gaussian', 'deterministic'] as const) {
      const wanted = { heavy_tailed: Math.sqrt(5 / 3), gaussian: 1, deterministic: 0 }[kind];
      expect(noiseDeviation({ kind, nu: NU, n: N })).toBeCloseTo(wanted, 9);
    }
    expect(noiseDeviation({ kind: 'heavy_tailed', nu: 2, n: N })).toBe(Infinity);
  });

  test('a Gaussian scaled by it has the noise of the Student-t', () => {
    const scale = noiseDeviation({ kind: 'student_t', nu: NU, n: N });
    const [matched, student] = [
      spread(noise({ kind: 'gaussian', nu: NU, n: N, scale }, 20, 4)),
      spread(noise({ kind: 'student_t', nu: NU, n: N }, 20, 4)),
    ];
    expect(Math.abs(matched.deviation / student.deviation - 1)).toBeLessThan(0.01);
    expect(noiseDeviation({ kind: 'gaussian', nu: NU, n: N, scale })).toBe(scale);
  });

  test.each(DISTRIBUTIONS)('a scale multiplies the noise of %s, and nothing else', (kind) => {
    const config = { kind, nu: NU, n: N };
    expect(noiseScale({ ...config, scale: 0.25 }, 200)).toBe(0.25 * noiseScale(config, 200));
    expect(drawNoise({ ...config, scale: 0.25 }, 2, 3, 4, seededRandom(1))).toEqual(drawNoise(config, 2, 3, 4, seededRandom(1)));
  });

  test('heavy_tailed: a t distribution of nu degrees of freedom, whatever n is', () => {
    for (const n of [4, N]) {
      const { deviation, kurtosis } = spread(noise({ kind: 'heavy_tailed', nu: NU, n }, 60, 5));
      expect(Math.abs(deviation / Math.sqrt(NU / (NU - 2)) - 1)).toBeLessThan(0.05); // variance nu / (nu - 2)
      expect(kurtosis).toBeGreaterThan(4.5); // 9 in the limit
    }
  });

  test('deterministic: no noise at all', () => {
    expect(spread(noise({ kind: 'deterministic', nu: NU, n: N }, 2, 1)).deviation).toBe(0);
  });

  test('many degrees of freedom bring every t to its Gaussian', () => {
    const { deviation, kurtosis } = spread(noise({ kind: 'heavy_tailed', nu: 1e5, n: N }, 20, 2));
    expect(Math.abs(deviation - 1)).toBeLessThan(0.02);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.08);
    expect(noiseScale({ kind: 'student_t', nu: 1e9, n: N }, 1e9 + N)).toBeCloseTo(1, 5);
  });
});

describe('noiseScale', () => {
  const positive = fc.double({ min: 1e-3, max: 1e4, noNaN: true });

  test('equals its simplified forms: sqrt(nu / delta), and sqrt(nu + n) times that as printed', () => {
    fc.assert(
      fc.property(positive, fc.integer({ min: 1, max: 20_000 }), positive, (nu, n, delta) => {
        const plain = Math.sqrt(nu / delta);
        expect(noiseScale({ kind: 'student_t', nu, n }, delta) / plain).toBeCloseTo(1, 9);
        expect(noiseScale({ kind: 'student_t_printed', nu, n }, delta) / (plain * Math.sqrt(nu + n))).toBeCloseTo(1, 9);
        expect(noiseScale({ kind: 'heavy_tailed', nu, n }, delta) / plain).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('drawNoise', () => {
  test.each(DISTRIBUTIONS)('%s: K x m x c draws and K x m deltas, the same for the same seed', (kind) => {
    const config = { kind, nu: NU, n: 8 };
    const draw = (seed: number) => drawNoise(config, 3, 4, 8, seededRandom(seed));
    expect(draw(1).eps.length).toBe(3 * 4 * 8);
    expect(draw(1).delta.length).toBe(3 * 4);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1).eps).not.toEqual(draw(2).eps);
  });

  test('all kinds share their normal draws: one seed compares them', () => {
    const [first, ...others] = DISTRIBUTIONS.map((kind) => drawNoise({ kind, nu: NU, n: N }, 2, 3, 8, seededRandom(9)).eps);
    for (const eps of others) expect(eps).toEqual(first);
  });

  test('every prompt vector has a delta of its own', () => {
    const { delta } = drawNoise({ kind: 'student_t', nu: NU, n: N }, 10, VECTORS, 1, seededRandom(3));
    expect(new Set(delta).size).toBeGreaterThan(495);
    const mean = delta.reduce((sum, value) => sum + value, 0) / delta.length;
    expect(Math.abs(mean / (NU + N) - 1)).toBeLessThan(0.02);
  });

  test('samples are finite down to a fraction of a degree of freedom', () => {
    for (const kind of DISTRIBUTIONS) {
      for (const nu of [Number.MIN_VALUE, 1e-4, 0.01, 0.3]) expect(noise({ kind, nu, n: N }, 4, 7, 4).every(Number.isFinite)).toBe(true);
    }
  });
});

describe('samplePrompts', () => {
  const finite = fc.float({ min: -5, max: 5, noNaN: true });

  test('z = mu + sigma * scale * eps, vector by vector', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...DISTRIBUTIONS),
        fc.array(finite, { minLength: 6, maxLength: 6 }),
        fc.array(finite, { minLength: 6, maxLength: 6 }),
        fc.integer(),
        (kind, mu, logSigma, seed) => {
          const config = { kind, nu: NU, n: 3 };
          const drawn = drawNoise(config, 2, 2, 3, seededRandom(seed));
          const z = samplePrompts(config, Float32Array.from(mu), Float32Array.from(logSigma), drawn, 3);
          z.forEach((value, i) => {
            const [k, within] = [Math.floor(i / 6), i % 6];
            const scale = noiseScale(config, drawn.delta[2 * k + Math.floor(within / 3)] as number);
            const wanted = (mu[within] as number) + Math.exp(logSigma[within] as number) * scale * (drawn.eps[i] as number);
            expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(wanted)));
          });
        },
      ),
    );
  });

  test('deterministic: every sample is mu', () => {
    const mu = Float32Array.of(1, -2, 3, 4);
    const config: DistributionConfig = { kind: 'deterministic', nu: NU, n: 2 };
    const drawn = drawNoise(config, 3, 2, 2, seededRandom(1));
    expect([...samplePrompts(config, mu, new Float32Array(4), drawn, 2)]).toEqual([...mu, ...mu, ...mu]);
  });
});
