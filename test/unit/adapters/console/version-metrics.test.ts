/** Figures of versions and runs as the page gets them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { metricsOf, progressOf } from '../../../../src/adapters/console/version-metrics.ts';

describe('figuresOf', () => {
  it('takes what the learner leaves', () => {
    const gate = {
      pairs: 12,
      current: 0.4,
      candidate: 0.5,
      margin: 0.01,
      labels: [{ label: 'cup', pairs: 12, current: 0.4, candidate: 0.5 }],
    };
    const training = { steps: 100, seconds: 12.5, curve: [{ step: 1, loss: 0.9 }], images: 9, masks: 11, engine: 'x' };
    const metrics = metricsOf({ gate: { ...gate, rows: [] }, training, notes: ['a'] });
    expect(metrics.gate).toEqual(gate);
    expect(metrics.training).toMatchObject({ steps: 100, curve: [{ step: 1, loss: 0.9 }] });
    expect(metrics.notes).toEqual(['a']);
  });

  it('leaves out what it cannot read, and keeps the rest', () => {
    expect(metricsOf(undefined)).toEqual({ notes: [] });
    expect(metricsOf('text')).toEqual({ notes: [] });
    expect(metricsOf({ gate: { current: 3 }, training: { curve: 'none', steps: 5 } })).toEqual({
      notes: [],
      training: { curve: [], steps: 5 },
    });
    fc.assert(fc.property(fc.anything(), (anything) => Array.isArray(metricsOf(anything).notes)));
  });
});

describe('progressOf', () => {
  it.each([
    [
      { phase: 'training', step: 3, steps: 9, loss: 0.5 },
      { phase: 'training', done: 3, total: 9, loss: 0.5 },
    ],
    [
      { phase: 'training', step: 0, steps: 9, loss: null },
      { phase: 'training', done: 0, total: 9 },
    ],
    [
      { phase: 'gate', done: 1, total: 4 },
      { phase: 'gate', done: 1, total: 4 },
    ],
    [{}, undefined],
    [undefined, undefined],
  ])('of %j', (progress, expected) => {
    expect(progressOf(progress)).toEqual(expected);
  });
});
