import { describe, expect, it } from 'vitest';
import type { FloatTensor } from '../../../../src/core/checkpoint/read-tensors.ts';
import { adamWState, adamWStep } from '../../../../src/core/common/adamw.ts';
import { gradientNorm, update } from '../../../../src/training/step/training-step.ts';

const weights = (...values: number[]): Map<string, FloatTensor> =>
  new Map([['w', { data: Float32Array.from(values), shape: [values.length] }]]);
const slopes = (...values: number[]): Map<string, Float32Array> => new Map([['w', Float32Array.from(values)]]);
const valuesOf = (parameters: ReadonlyMap<string, FloatTensor>): number[] => [...(parameters.get('w') as FloatTensor).data];

describe('AdamW', () => {
  it('takes a first step of the learning rate against the sign of the gradient', () => {
    const parameters = weights(1, -2, 3);
    adamWStep(parameters, slopes(0.5, -100, 1e-3), adamWState(parameters), 0.01, { weightDecay: 0 });
    [0.99, -1.99, 2.99].forEach((value, i) => expect(valuesOf(parameters)[i]).toBeCloseTo(value, 4));
  });

  it('follows the formula in double precision over many steps', () => {
    const parameters = weights(0.7);
    const state = adamWState(parameters);
    let [w, m, v] = [0.7, 0, 0];
    for (let t = 1; t <= 50; t++) {
      const g = Math.sin(t) + 0.3;
      adamWStep(parameters, slopes(g), state, 0.02, { weightDecay: 0.1 });
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      w -= 0.02 * 0.1 * w + (0.02 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
    }
    expect(state.step).toBe(50);
    expect(valuesOf(parameters)[0]).toBeCloseTo(w, 5);
  });

  it('decays weights apart from the gradient', () => {
    const parameters = weights(4);
    adamWStep(parameters, slopes(0), adamWState(parameters), 0.1, { weightDecay: 0.5 });
    expect(valuesOf(parameters)[0]).toBeCloseTo(4 * (1 - 0.1 * 0.5), 6);
  });

  it('leaves parameters without a gradient alone', () => {
    const parameters = weights(4);
    adamWStep(parameters, new Map(), adamWState(parameters), 0.1, { weightDecay: 0.5 });
    expect(valuesOf(parameters)).toEqual([4]);
  });
});

describe('an update', () => {
  const updated = (values: number[], options: Partial<Parameters<typeof update>[5]>, gradient: number[]) => {
    const [parameters, average] = [weights(...values), weights(...values)];
    const state = adamWState(parameters);
    update(parameters, slopes(...gradient), gradientNorm(slopes(...gradient)), state, average, { lr: 0.1, weightDecay: 0, ...options });
    return { parameters, average, state };
  };

  it('shrinks a gradient that is too long to the bound, and no other', () => {
    expect(gradientNorm(slopes(3, 4))).toBe(5);
    const mean = (clipNorm?: number): number[] => [...(updated([0, 0], { clipNorm }, [3, 4]).state.mean.get('w') as Float32Array)];
    // The running mean after one step is a tenth of the gradient used.
    [0.06, 0.08].forEach((value, i) => expect(mean(1)[i]).toBeCloseTo(value, 6));
    [0.3, 0.4].forEach((value, i) => expect(mean(5)[i]).toBeCloseTo(value, 6));
    [0.3, 0.4].forEach((value, i) => expect(mean()[i]).toBeCloseTo(value, 6));
  });

  it('moves the average by one minus the decay', () => {
    const { parameters, average } = updated([1], { averageDecay: 0.75 }, [1]);
    expect(valuesOf(parameters)[0]).toBeCloseTo(0.9, 5);
    expect(valuesOf(average)[0]).toBeCloseTo(0.75 * 1 + 0.25 * 0.9, 5);
  });
});
