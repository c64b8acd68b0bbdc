/** Random draws from one seeded stream: one seed reproduces a prediction, a scene or a training run. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** The next number in [0, 1). */
export type Random = () => number;

const WARM_UP = 16;

/** seed: a safe integer; the generator takes 32 bits, so the upper ones are mixed in. */
export function seededRandom(seed: number): Random {
  const upper = Math.floor(seed / 2 ** 32);
  const generator = xoroshiro128plus((seed ^ Math.imul(upper, 0x9e3779b1)) | 0);
  // A small seed leaves most bits of the state alike at first: without this the first draw of every seed is all but 1.
  for (let i = 0; i < WARM_UP; i++) uniformFloat64(generator);
  return () => uniformFloat64(generator);
}

/** Whole number in [low, high], both ends included. */
export function uniformInt(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** Standard normal (Box and Muller, 1958; one draw per pair of uniforms, so that streams stay in step). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/** Gamma(shape, 1) for any shape > 0 (Marsaglia and Tsang, 2000). */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * random() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Chi-square with `freedom` > 0 degrees of freedom. */
export function chiSquare(random: Random, freedom: number): number {
  return 2 * gamma(random, freedom / 2);
}

/** `count` distinct items in random order (all of them if there are fewer). */
export function sampleWithout<T>(random: Random, items: readonly T[], count: number): T[] {
  const pool = [...items];
  const taken = Math.min(count, pool.length);
  for (let i = 0; i < taken; i++) {
    const j = uniformInt(random, i, pool.length - 1);
    [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
  }
  return pool.slice(0, taken);
}
