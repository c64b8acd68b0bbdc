import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learningRate, PAPER_SCHEDULE, type Schedule } from '../../../../src/training/step/schedule.ts';

describe('warm restarts', () => {
  it('falls along a cosine within a cycle and starts anew every 15 epochs', () => {
    expect(learningRate(PAPER_SCHEDULE, 0)).toBe(1e-4);
    expect(learningRate(PAPER_SCHEDULE, 7.5)).toBeCloseTo(0.5e-4, 12);
    expect(learningRate(PAPER_SCHEDULE, 5)).toBeCloseTo(0.75e-4, 12); // (1 + cos 60°) / 2
    expect(learningRate(PAPER_SCHEDULE, 14.999)).toBeLessThan(1e-10);
    expect(learningRate(PAPER_SCHEDULE, 15)).toBe(1e-4);
    expect(learningRate(PAPER_SCHEDULE, 97.5)).toBeCloseTo(0.5e-4, 12);
  });

  it('restarts by epochs, not by iterations', () => {
    const perIteration = Array.from({ length: 40 }, (_, i) => learningRate(PAPER_SCHEDULE, i / 20));
    expect(perIteration.every((lr, i) => i === 0 || lr < (perIteration[i - 1] as number))).toBe(true);
  });

  it('makes cycles longer by the factor', () => {
    const schedule: Schedule = { ...PAPER_SCHEDULE, restartEpochs: 2, restartFactor: 2 };
    for (const start of [0, 2, 6, 14]) expect(learningRate(schedule, start)).toBe(1e-4);
    for (const middle of [1, 4, 10]) expect(learningRate(schedule, middle)).toBeCloseTo(0.5e-4, 12);
  });
});

it('one cosine ends at the lowest rate and stays there', () => {
  const schedule: Schedule = { ...PAPER_SCHEDULE, kind: 'cosine', minLr: 1e-6, epochs: 50 };
  expect(learningRate(schedule, 25)).toBeCloseTo((1e-4 + 1e-6) / 2, 12);
  expect(learningRate(schedule, 50)).toBeCloseTo(1e-6, 12);
  expect(learningRate(schedule, 80)).toBeCloseTo(1e-6, 12);
});

it('never leaves its bounds', () => {
  const schedules = fc.record({
    kind: fc.constantFrom('warm_restarts' as const, 'cosine' as const),
    lr: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    minLr: fc.constant(1e-7),
    restartEpochs: fc.double({ min: 0.01, max: 50, noNaN: true }),
    restartFactor: fc.constantFrom(1, 2, 3),
    epochs: fc.integer({ min: 1, max: 200 }),
  });
  fc.assert(
    fc.property(schedules, fc.double({ min: 0, max: 300, noNaN: true }), (schedule, epoch) => {
      const lr = learningRate(schedule, epoch);
      return lr >= schedule.minLr * (1 - 1e-9) && lr <= schedule.lr * (1 + 1e-9);
    }),
  );
});
