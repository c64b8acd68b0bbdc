/**
 * The Laplacian of a function, which is the trace of its Hessian H, from gradients alone (Hutchinson, 1989): for v of
 * independent +1 and -1 the mean of v'Hv is the trace, and Hv = (g(z + h v) - g(z - h v)) / 2h up to O(h^2).
 */
import type { Random } from '../../core/common/random.ts';

export interface TraceOptions {
  /** Random directions, at least 1; two and more give an error. */
  probes: number;
  /**
   * h, above 0. Too large, and it reaches beyond the curvature at z; too small, and the rounding of 32-bit gradients is divided
   * by it: compare with twice the step.
   */
  step: number;
  random: Random;
}

export interface TraceEstimate {
  trace: number;
  /** Standard error of the mean over the directions; NaN for one. */
  error: number;
  /** v'Hv of each direction. */
  each: number[];
}

/** gradients: of the function at every point; points and gradients are as long as z. */
export function hessianTrace(
  gradients: (points: readonly Float32Array[]) => readonly Float32Array[],
  z: Float32Array,
  { probes, step, random }: TraceOptions,
): TraceEstimate {
  const directions = Array.from({ length: probes }, () => Float32Array.from(z, () => (random() < 0.5 ? -1 : 1)));
  const moved = (v: Float32Array, by: number): Float32Array => z.map((value, i) => value + by * (v[i] as number));
  const found = gradients(directions.flatMap((v) => [moved(v, step), moved(v, -step)]));
  const each = directions.map((v, k) => {
    const [up, down] = [found[2 * k] as Float32Array, found[2 * k + 1] as Float32Array];
    return v.reduce((sum, sign, i) => sum + sign * ((up[i] as number) - (down[i] as number)), 0) / (2 * step);
  });
  const trace = each.reduce((sum, value) => sum + value, 0) / probes;
  const variance = each.reduce((sum, value) => sum + (value - trace) ** 2, 0) / (probes - 1);
  return { trace, error: Math.sqrt(variance / probes), each };
}
