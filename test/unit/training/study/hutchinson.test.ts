import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { hessianTrace } from '../../../../src/training/study/hutchinson.ts';

/** Gradient of z'Az / 2 for a symmetric A. */
const quadratic = (a: readonly (readonly number[])[]) => (points: readonly Float32Array[]) =>
  points.map((z) => Float32Array.from(a, (row) => row.reduce((sum, value, j) => sum + value * (z[j] as number), 0)));

describe('hessianTrace', () => {
  it('is exact for a diagonal Hessian, whichever direction is drawn', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 1000 }),
        (diagonal, seed) => {
          const a = diagonal.map((value, i) => diagonal.map((_, j) => (i === j ? value : 0)));
          const z = Float32Array.from(diagonal, (_, i) => i / 4);
          const { trace, each } = hessianTrace(quadratic(a), z, { probes: 2, step: 0.5, random: seededRandom(seed) });
          const truth = diagonal.reduce((sum, value) => sum + value, 0);
          expect(trace).toBeCloseTo(truth, 3);
          for (const value of each) expect(value).toBeCloseTo(truth, 3);
        },
      ),
    );
  });

  it('comes as close to the trace of a full Hessian as its own error says', () => {
    const a = Array.from({ length: 12 }, (_, i) =>
      Array.from({ length: 12 }, (_unused, j) => (i === j ? i + 1 : Math.cos(i + j) * 0.5 + Math.cos(i * j) * 0.2)),
    );
    const symmetric = a.map((row, i) => row.map((value, j) => (value + (a[j]?.[i] ?? 0)) / 2));
    const truth = symmetric.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
    const z = new Float32Array(12).fill(0.3);
    const few = hessianTrace(quadratic(symmetric), z, { probes: 16, step: 0.25, random: seededRandom(4) });
    const many = hessianTrace(quadratic(symmetric), z, { probes: 4096, step: 0.25, random: seededRandom(4) });
    expect(Math.abs(few.trace - truth)).toBeLessThan(4 * few.error);
    expect(Math.abs(many.trace - truth)).toBeLessThan(4 * many.error);
    expect(many.error).toBeLessThan(few.error / 8);
    expect(many.error).toBeGreaterThan(0);
  });

  it('converges with the step where the function is no quadratic', () => {
    // f = sum of exp(z_i): H is diagonal with exp(z_i).
    const gradients = (points: readonly Float32Array[]): Float32Array[] => points.map((z) => z.map(Math.exp));
    const z = Float32Array.of(0, 0.5, -1);
    const truth = z.reduce((sum, value) => sum + Math.exp(value), 0);
    const off = (step: number): number => Math.abs(hessianTrace(gradients, z, { probes: 1, step, random: seededRandom(1) }).trace - truth);
    expect(off(0.5) / off(0.25)).toBeCloseTo(4, 0); // the error is of the second order
    expect(off(0.05)).toBeLessThan(0.003 * truth);
  });
});
