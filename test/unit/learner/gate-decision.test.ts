/** Who goes into service, and the reason given. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type GatePair } from '../../../src/learner/gate-decision.ts';

const RULE = { margin: 0.01, labelMargin: 0.05, minLabelPairs: 3 };
const pairs = (label: string, current: number, candidate: number, count: number): GatePair[] =>
  Array.from({ length: count }, (_, i) => ({ label, reference: 'r', target: `t${i}`, current, candidate }));

describe('judge', () => {
  it('promotes what is better, as good, or hardly worse', () => {
    expect(judge(pairs('cup', 0.5, 0.7, 4), RULE)).toMatchObject({
      promote: true,
      reason: 'mIoU 0.500 -> 0.700 on 4 held-out pairs: better than the current version',
      metrics: { pairs: 4, current: 0.5, candidate: 0.7, labels: [{ label: 'cup', pairs: 4 }] },
    });
    expect(judge(pairs('cup', 0.5, 0.5, 1), RULE)).toMatchObject({ promote: true, reason: /1 held-out pair: as good as/ });
    expect(judge(pairs('cup', 0.5, 0.491, 4), RULE)).toMatchObject({ promote: true, reason: /no worse/ });
    expect(judge(pairs('cup', 0.5, 0.49, 4), RULE).promote).toBe(true);
  });

  it('rejects what is worse overall, on one label, or not a number', () => {
    expect(judge(pairs('cup', 0.5, 0.48, 4), RULE)).toMatchObject({
      promote: false,
      reason: 'mIoU 0.500 -> 0.480 on 4 held-out pairs: worse than the current version by more than 0.01',
    });
    const mixed = [...pairs('cup', 0.5, 0.9, 3), ...pairs('jug', 0.8, 0.7, 3)];
    expect(judge(mixed, RULE)).toMatchObject({ promote: false, reason: /but worse by more than 0.05 on jug 0.800 -> 0.700$/ });
    expect(judge(pairs('cup', 0.5, NaN, 4), RULE).promote).toBe(false);
  });

  it('lets chance on few pairs of a label pass', () => {
    const mixed = [...pairs('cup', 0.5, 0.9, 3), ...pairs('jug', 0.8, 0.7, 2)];
    expect(judge(mixed, RULE).promote).toBe(true);
  });

  it('gives every label the same weight', () => {
    const { metrics } = judge([...pairs('cup', 0, 0, 9), ...pairs('jug', 1, 1, 1)], RULE);
    expect([metrics.current, metrics.candidate]).toEqual([0.5, 0.5]);
  });

  it('never rejects a candidate that answers as well on every pair', () => {
    const pair = fc.record({
      label: fc.constantFrom('cup', 'jug', 'fork'),
      reference: fc.constant('r'),
      target: fc.constant('t'),
      current: fc.double({ min: 0, max: 1, noNaN: true }),
      candidate: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 20 }), (rows) => {
        const better = rows.map((row) => ({ ...row, candidate: Math.max(row.current, row.candidate) }));
        expect(judge(better, { ...RULE, margin: 0, labelMargin: 0 }).promote).toBe(true);
        const { promote, metrics } = judge(rows, RULE);
        if (promote) expect(metrics.candidate).toBeGreaterThanOrEqual(metrics.current - RULE.margin - 1e-6);
      }),
    );
  });
});
