import { expect, test } from 'vitest';
import { coarseLoss } from '../../../../src/training/step/coarse-loss.ts';

const truth = { data: Float32Array.of(1, 1, 0, 0, /**/ 1, 0, 0, 0, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 1), shape: [1, 4, 4] };
/** Shares of the cells of 2 x 2 pixels. */
const SHARES = [0.75, 0, 0, 0.25];
const logits = [1.5, -2, 0.25, -40];

test('the loss of a coarse mask weighs what is marked threefold, by the share of each cell', () => {
  const p = logits.map((x) => 1 / (1 + Math.exp(-x)));
  const wanted = SHARES.reduce((sum, y, i) => sum - 3 * y * Math.log(p[i] as number) - (1 - y) * Math.log1p(-(p[i] as number)), 0) / 4;
  expect(coarseLoss({ data: Float32Array.from(logits), shape: [1, 1, 2, 2] }, truth).loss).toBeCloseTo(wanted, 9);
});

test('its gradient is its slope', () => {
  const lossAt = (values: readonly number[]): number =>
    coarseLoss({ data: new Float64Array(values) as never, shape: [1, 1, 2, 2] }, truth).loss;
  const { gradient } = coarseLoss({ data: Float32Array.from(logits), shape: [1, 1, 2, 2] }, truth);
  logits.forEach((_, i) => {
    const moved = (by: number): number => lossAt(logits.map((x, k) => (k === i ? x + by : x)));
    expect(gradient[i]).toBeCloseTo((moved(1e-4) - moved(-1e-4)) / 2e-4, 6);
  });
});
