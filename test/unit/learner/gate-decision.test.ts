/** Who goes into service, who learns on, and the reason given. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type GatePair } from '../../../src/learner/gate-decision.ts';

const RULE = { margin: 0, labelMargin: 0.05, minLabelPairs: 3, minGateImages: 5 };
const pair = (more: Partial<GatePair>): GatePair => ({
  ...{ label: 'cup', target: 't', current: 0.5, candidate: 0.5, agreement: 0.5, changed: true },
  methods: { current: 'nearest', candidate: 'prosam' },
  ...more,
});
/** Each in an image of its own. */
const pairs = (label: string, gains: readonly number[], more: Partial<GatePair> = {}): GatePair[] =>
  gains.map((gain, i) => pair({ label, target: `${label}${i}`, candidate: 0.5 + gain, ...more }));

describe('judge', () => {
  it('promotes a gain beyond doubt', () => {
    expect(judge(pairs('cup', [0.02, 0.01, 0.03, 0.05, 0.015, 0.02]), RULE)).toMatchObject({
      decision: 'promote',
      reason:
        /^mIoU 0.500 -> 0.524 on 6 held-out pairs in 6 images, gain \+0.024 \(95 % interval \+0.0\d\d to \+0.0\d\d\): better than the current/,
      metrics: { decision: 'promote', pairs: 6, images: 6, changed: 6, labels: [{ label: 'cup', pairs: 6, changed: true }] },
    });
  });

  it('learns on where the interval holds zero, though the mean is better', () => {
    const found = judge(pairs('cup', [0.2, -0.01, 0.03, -0.02, 0.01]), RULE);
    expect(found).toMatchObject({ decision: 'learn', reason: /not surely better than the current version$/ });
    expect(found.metrics.candidate).toBeGreaterThan(found.metrics.current);
    expect(found.metrics.gain.low).toBeLessThan(0);
  });

  it('learns on where there are too few images, however much they gain, and however many labels each shows', () => {
    expect(judge(pairs('cup', [0.3, 0.3, 0.3, 0.3]), RULE)).toMatchObject({ decision: 'learn', reason: /too few images to tell \(5 are/ });
    const oneImage = Array.from({ length: 8 }, (_, i) => pair({ label: `l${i}`, candidate: 0.9 }));
    expect(judge(oneImage, RULE)).toMatchObject({ decision: 'learn', reason: /8 held-out pairs in 1 image,.*too few/ });
  });

  it('does not promote what nobody sees', () => {
    const alike = pairs('cup', [0.002, 0.001, 0.002, 0.003, 0.001], { agreement: 0.995, changed: false });
    expect(judge(alike, { ...RULE, margin: 1 })).toMatchObject({
      decision: 'learn',
      reason: /: no visible change$/,
      metrics: { changed: 0 },
    });
    const seen = [...alike, pair({ target: 'seen', candidate: 0.52 })];
    expect(judge(seen, RULE).decision).toBe('promote');
  });

  it('rejects what is surely worse, worse on one label, or not a number', () => {
    expect(judge(pairs('cup', [-0.02, -0.01, -0.03, -0.05, -0.02]), RULE)).toMatchObject({
      decision: 'reject',
      reason: /: worse than the/,
    });
    const mixed = [...pairs('cup', [0.4, 0.4, 0.4]), ...pairs('jug', [-0.1, -0.1, -0.1])];
    expect(judge(mixed, RULE)).toMatchObject({ decision: 'reject', reason: /: worse by more than 0.05 on jug 0.500 -> 0.400$/ });
    expect(judge(pairs('cup', [NaN, 0.1, 0.1, 0.1, 0.1]), RULE).decision).toBe('reject');
  });

  it('lets chance on few pairs of a label pass', () => {
    const mixed = [...pairs('cup', [0.4, 0.41, 0.4, 0.42, 0.4]), ...pairs('jug', [-0.1, -0.1])];
    expect(judge(mixed, RULE).decision).toBe('promote');
  });

  it('tolerates what a wider margin allows', () => {
    const noise = pairs('cup', [0.02, -0.02, 0.01, -0.01, 0]);
    expect(judge(noise, RULE).decision).toBe('learn');
    expect(judge(noise, { ...RULE, margin: 0.05 })).toMatchObject({ decision: 'promote', reason: /no worse than.*within the margin$/ });
  });

  it('counts a mask in an image without the label as an error, and tells how often', () => {
    const absent = (target: string, current: number, candidate: number) => pair({ target, absent: true, current, candidate });
    const { metrics } = judge([...pairs('cup', [0, 0, 0]), absent('a', 0, 1), absent('b', 0, 1), absent('c', 1, 1)], RULE);
    expect(metrics.gain.mean).toBeCloseTo(2 / 6, 12);
    expect(metrics.labels).toMatchObject([{ label: 'cup', pairs: 6, absent: { images: 3, current: 2, candidate: 0 } }]);
  });

  it('gives every label the same weight', () => {
    const rows = [...pairs('cup', Array<number>(9).fill(-0.5)), ...pairs('jug', [0.5])];
    expect(judge(rows, RULE).metrics).toMatchObject({ current: 0.5, candidate: 0.5 });
  });

  it('never rejects a candidate that answers as well on every pair, and never promotes one that answers worse on every one', () => {
    const any = fc.record({
      label: fc.constantFrom('cup', 'jug', 'fork'),
      target: fc.integer({ min: 0, max: 9 }).map(String),
      current: fc.double({ min: 0, max: 1, noNaN: true }),
      candidate: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 20 }), (rows) => {
        const better = rows.map((row) => pair({ ...row, candidate: Math.max(row.current, row.candidate) }));
        expect(judge(better, RULE).decision).not.toBe('reject');
        const worse = rows.map((row) => pair({ ...row, candidate: Math.min(row.current, row.candidate) }));
        expect(judge(worse, RULE).decision).not.toBe('promote');
      }),
      { numRuns: 30 },
    );
  });
});
