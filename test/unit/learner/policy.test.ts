/** When a run is due, and what people are told while it is not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRun, type LearnerFacts } from '../../../src/learner/policy.ts';
import { EVIDENCE_WEIGHTS, PROVENANCES, TEACHING_WEIGHTS } from '../../../src/service/ports/provenance.ts';

const POLICY = { minNewMasks: 8, minImages: 6, coolDownMs: 600_000 };
const ENOUGH: LearnerFacts = { newWeight: 8, newMasks: 8, images: 6, largestLabel: 8, failures: 0 };
const NOW = 1_800_000_000_000;

const factsArbitrary: fc.Arbitrary<LearnerFacts> = fc.record(
  {
    newWeight: fc.double({ min: 0, max: 20, noNaN: true }),
    newMasks: fc.nat(30),
    images: fc.nat(12),
    largestLabel: fc.nat(8),
    failures: fc.nat(40),
    lastEndMs: fc.integer({ min: NOW - 3 * 86_400_000, max: NOW }),
  },
  { requiredKeys: ['newWeight', 'newMasks', 'images', 'largestLabel', 'failures'] },
);

describe('decideRun', () => {
  it('is due once everything is there, and says what is missing otherwise', () => {
    expect(decideRun(ENOUGH, POLICY, { nowMs: NOW })).toEqual({ due: true });
    const waitsFor = (facts: Partial<LearnerFacts>): string => {
      const decision = decideRun({ ...ENOUGH, ...facts }, POLICY, { nowMs: NOW });
      return decision.due ? 'nothing' : decision.waitingFor;
    };
    expect(waitsFor({ newWeight: 7.85 })).toBe('7.85 of 8 new masks (8 accepted; those left as predicted count 0.15 each)');
    expect(waitsFor({ newWeight: 3, newMasks: 3 })).toBe('3 of 8 new masks');
    expect(waitsFor({ images: 5 })).toBe('5 of 6 annotated images');
    expect(waitsFor({ largestLabel: 1 })).toBe('a label marked in 3 images (the most frequent one is marked in 1 image)');
    expect(waitsFor({ lastEndMs: NOW - 30_000 })).toBe('next look in 10 min');
    expect(waitsFor({ lastEndMs: NOW - 599_000 })).toBe('next look in 1 min');
    expect(waitsFor({ lastEndMs: NOW - 600_000 })).toBe('nothing');
  });

  it('counts what sums of weights leave out in their last bit', () => {
    const newWeight = Array.from({ length: 20 }, () => EVIDENCE_WEIGHTS.accepted).reduce((a, b) => a + b, 0);
    expect(newWeight).not.toBe(3);
    expect(decideRun({ ...ENOUGH, newWeight }, { ...POLICY, minNewMasks: 3 }, { nowMs: NOW })).toEqual({ due: true });
  });

  it('pauses twice as long after every failure, a day at most', () => {
    const pause = (failures: number): number => {
      const decision = decideRun({ ...ENOUGH, failures, lastEndMs: NOW }, POLICY, { nowMs: NOW });
      return decision.due ? 0 : decision.checkAgainMs;
    };
    expect([0, 1, 2, 3].map(pause)).toEqual([600_000, 1_200_000, 2_400_000, 4_800_000]);
    expect(pause(50)).toBe(86_400_000);
  });

  it('waits for the hours it may train in', () => {
    const nextAllowedMs = (ms: number): number => ms + 7_200_000;
    const decision = decideRun(ENOUGH, POLICY, { nowMs: NOW, nextAllowedMs });
    expect(decision).toEqual({
      due: false,
      waitingFor: expect.stringMatching(/^quiet hours until \d\d:\d\d$/) as unknown,
      checkAgainMs: 7_200_000,
    });
    const never = decideRun(ENOUGH, POLICY, { nowMs: NOW, nextAllowedMs: () => Infinity });
    expect(never).toMatchObject({ due: false, checkAgainMs: 86_400_000, waitingFor: 'quiet hours until further notice' });
  });

  it('says all of it in one line', () => {
    const six = new Date(2026, 10, 30, 6, 0).getTime();
    const nowMs = six - 5 * 3_600_000;
    const facts = { ...ENOUGH, newWeight: 3, newMasks: 3, lastEndMs: nowMs - 360_000 };
    const nextAllowedMs = (ms: number): number => Math.max(ms, six);
    const line = '3 of 8 new masks; next look in 4 min; quiet hours until 06:00';
    expect(decideRun(facts, POLICY, { nowMs, nextAllowedMs })).toEqual({ due: false, waitingFor: line, checkAgainMs: 5 * 3_600_000 });
    const failing = { ...facts, failures: 2, newWeight: 8, newMasks: 8 };
    expect(decideRun(failing, POLICY, { nowMs })).toMatchObject({ waitingFor: 'next look in 34 min (a pause after 2 failed runs)' });
    const far = decideRun(ENOUGH, POLICY, { nowMs, nextAllowedMs: () => six + 3 * 86_400_000 });
    expect(far).toMatchObject({ waitingFor: 'quiet hours until 2026-12-03 06:00' });
  });

  it('asks only for the least data there can be when somebody wants a run', () => {
    fc.assert(
      fc.property(factsArbitrary, (facts) => {
        const context = { nowMs: NOW, manual: true, nextAllowedMs: () => Infinity };
        expect(decideRun(facts, POLICY, context).due).toBe(facts.largestLabel >= 3);
      }),
    );
  });

  it('never gets less willing with more masks, more images or more time', () => {
    const more = fc.record({ newWeight: fc.nat(10), images: fc.nat(5), largestLabel: fc.nat(5) });
    fc.assert(
      fc.property(factsArbitrary, more, fc.nat(86_400_000), (facts, plus, later) => {
        const before = decideRun(facts, POLICY, { nowMs: NOW });
        const grown = { ...facts };
        for (const key of ['newWeight', 'images', 'largestLabel'] as const) grown[key] += plus[key];
        const after = decideRun(grown, POLICY, { nowMs: NOW + later });
        expect(!before.due || after.due).toBe(true);
        if (!before.due) {
          expect(before.waitingFor).not.toMatch(/NaN|undefined|Infinity/);
          expect(before.checkAgainMs).toBeGreaterThan(0);
          expect(Number.isFinite(before.checkAgainMs)).toBe(true);
        }
      }),
    );
  });
});

describe('the weights', () => {
  it('let a correction teach most, an unchanged prediction little, and a rejection nothing', () => {
    for (const weights of [EVIDENCE_WEIGHTS, TEACHING_WEIGHTS]) {
      expect(Math.max(...PROVENANCES.map((one) => weights[one]))).toBe(weights.edited);
      expect(weights.rejected).toBe(0);
      expect(weights.accepted).toBeLessThan(weights.drawn / 3);
      expect(weights.accepted).toBeGreaterThan(0);
    }
  });
});
