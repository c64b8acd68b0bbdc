/**
 * Drawing prompts from the predicted distribution (paper, equations 5 to 7).
 *
 * All kinds are z = mu + sigma * scale * eps with eps ~ N(0, I); they differ in the scale:
 *
 * | kind              | scale                                                    | delta             |
 * |-------------------|----------------------------------------------------------|-------------------|
 * | student_t         | 1 / sqrt(1 + n/nu) / sqrt(delta / (nu + n))              | chi-square(nu + n)|
 * | student_t_printed | 1 / sqrt(1 + n/nu) / (sqrt(delta) / (nu + n)) (eq. 7)    | chi-square(nu + n)|
 * | heavy_tailed      | sqrt(nu / delta)  (outside the paper)                    | chi-square(nu)    |
 * | gaussian          | 1                                                        | none              |
 * | deterministic     | 0 (VRP-SAM)                                              | none              |
 *
 * n is the dimensionality of one prompt vector; every vector has its own delta. Any scale may be multiplied by a constant,
 * which puts two kinds at the same noise: at equal sigma they differ in hardly anything else.
 */
import { chiSquare, normal, type Random } from '../common/random.ts';

export const DISTRIBUTIONS = ['student_t', 'student_t_printed', 'gaussian', 'heavy_tailed', 'deterministic'] as const;
export type DistributionKind = (typeof DISTRIBUTIONS)[number];

export interface DistributionConfig {
  kind: DistributionKind;
  /** Degrees of freedom. */
  nu: number;
  /** Dimensionality of z in equation 5. */
  n: number;
  /** Constant factor on the noise, above 0. @default 1 */
  scale?: number | undefined;
}

export interface Noise {
  /** Standard normal draws. [K, m, c] */
  eps: Float32Array;
  /** Chi-square draws, one per prompt vector. [K, m] */
  delta: Float32Array;
}

/** Factor on sigma * eps for one prompt vector. */
export function noiseScale({ kind, nu, n, scale = 1 }: DistributionConfig, delta: number): number {
  return scale * scaleOfKind(kind, nu, n, delta);
}

/**
 * Standard deviation of the noise in units of sigma: sqrt(nu / (nu + n - 2)) for the Student-t, which is 0.139 for nu = 5 and
 * n = 256. Infinite where the distribution has none (heavy_tailed with nu <= 2, student_t with nu + n <= 2).
 */
export function noiseDeviation({ kind, nu, n, scale = 1 }: DistributionConfig): number {
  // E[1 / delta] = 1 / (freedom - 2) for a chi-square.
  const meanInverse = (freedom: number): number => (freedom > 2 ? 1 / (freedom - 2) : Infinity);
  switch (kind) {
    case 'student_t':
      return scale * Math.sqrt(nu * meanInverse(nu + n));
    case 'student_t_printed':
      return scale * Math.sqrt(nu * (nu + n) * meanInverse(nu + n));
    case 'heavy_tailed':
      return scale * Math.sqrt(nu * meanInverse(nu));
    case 'gaussian':
      return scale;
    case 'deterministic':
      return 0;
  }
}

function scaleOfKind(kind: DistributionKind, nu: number, n: number, delta: number): number {
  switch (kind) {
    case 'student_t':
      return 1 / Math.sqrt(1 + n / nu) / Math.sqrt(delta / (nu + n));
    case 'student_t_printed':
      return 1 / Math.sqrt(1 + n / nu) / (Math.sqrt(delta) / (nu + n));
    case 'heavy_tailed':
      return Math.sqrt(nu / delta);
    case 'gaussian':
      return 1;
    case 'deterministic':
      return 0;
  }
}

/** A chi-square of a small fraction of a degree of freedom falls below every float32; its inverse must stay finite. */
const MIN_DELTA = 2 ** -100;

/** eps ~ N(0, I) and delta ~ chi^2(nu + n) of equation 6, for `samples` prompt sets of `vectors` vectors each. */
export function drawNoise(config: DistributionConfig, samples: number, vectors: number, width: number, random: Random): Noise {
  const eps = Float32Array.from({ length: samples * vectors * width }, () => normal(random));
  const freedom = config.kind === 'heavy_tailed' ? config.nu : config.nu + config.n;
  const needed = config.kind !== 'gaussian' && config.kind !== 'deterministic';
  const delta = Float32Array.from({ length: samples * vectors }, () => (needed ? Math.max(MIN_DELTA, chiSquare(random, freedom)) : 1));
  return { eps, delta };
}

/** z = g(mu, sigma, delta, eps), equations 6 and 7, the reparameterization trick of figure 2. mu and logSigma [m, c]; eps [K, m, c]; delta [K, m] -> z [K, m, c] */
export function samplePrompts(
  config: DistributionConfig,
  mu: Float32Array,
  logSigma: Float32Array,
  noise: Noise,
  width: number,
): Float32Array {
  const size = mu.length;
  const samples = noise.eps.length / size;
  const vectors = size / width;
  const out = new Float32Array(noise.eps.length);
  for (let k = 0; k < samples; k++) {
    for (let v = 0; v < vectors; v++) {
      const scale = noiseScale(config, noise.delta[k * vectors + v] as number);
      for (let c = 0; c < width; c++) {
        const i = v * width + c;
        const at = k * size + i;
        out[at] = (mu[i] as number) + Math.exp(logSigma[i] as number) * scale * (noise.eps[at] as number);
      }
    }
  }
  return out;
}
