/** Estimates: probabilities, which rise with what speaks for a mask. */
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../../../src/core/engine/trust/evidence-numbers.ts';
import { leavesTrained, presenceOf, scoreOf } from '../../../../../src/core/engine/trust/estimates.ts';
import { CHOICE, PRESENCE, SCORES, type Numbers } from '../../../../../src/core/engine/trust/weights.ts';

const GOOD: Evidence = {
  ...{ found: 0.6, lead: 0.25, likeness: 0.85, likenessLead: 0.4, precision: 0.95, coverage: 0.9 },
  ...{ size: -2, relativeSize: 0, certainty: 0.9, samIou: 0.85 },
};
const BAD: Evidence = {
  ...{ found: 0.35, lead: 0.03, likeness: 0.3, likenessLead: -0.05, precision: 0.1, coverage: 0.1 },
  ...{ size: -4, relativeSize: -2, certainty: 0.3, samIou: 0.1 },
};

describe('estimates', () => {
  it('are higher for a mask that all speaks for, of every kind', () => {
    for (const method of ['prosam', 'nearest', 'refined'] as const) {
      for (const trained of [true, false]) {
        const score = (evidence: Evidence) => scoreOf(method, evidence, trained ? evidence : undefined);
        expect(score(GOOD), method).toBeGreaterThan(score(BAD) + 0.1);
        const present = (evidence: Evidence) => presenceOf(evidence, trained ? evidence : undefined);
        expect(present(GOOD), method).toBeGreaterThan(present(BAD) + 0.2);
      }
    }
  });

  it('doubt a find that looks like what was found where the concept is not', () => {
    for (const trained of [GOOD, undefined])
      expect(presenceOf({ ...GOOD, rival: 0.95 }, trained)).toBeLessThan(presenceOf({ ...GOOD, rival: 0.5 }, trained));
  });

  it('leave the trained method for another mask only where that is much more like the object', () => {
    expect(leavesTrained(BAD, GOOD)).toBe(true);
    expect(leavesTrained(BAD, BAD, 0.5)).toBe(true);
    for (const [trained, other] of [
      [GOOD, BAD],
      [GOOD, GOOD],
      [BAD, BAD],
    ] as const)
      expect(leavesTrained(trained, other)).toBe(false);
  });

  it('are finite whatever networks say', () => {
    for (const samIou of [0, 1]) {
      const estimate = scoreOf('prosam', { ...GOOD, samIou, certainty: samIou }, { ...GOOD, samIou, certainty: samIou });
      expect(estimate).toBeGreaterThanOrEqual(0);
      expect(estimate).toBeLessThanOrEqual(1);
    }
  });

  it('are made of about a dozen numbers each', () => {
    const tables: Numbers[] = [...Object.values(SCORES), CHOICE];
    for (const { withoutRivals, withRivals } of Object.values(PRESENCE)) tables.push(withoutRivals, withRivals);
    for (const numbers of tables) expect(Object.keys(numbers).length).toBeLessThanOrEqual(12);
  });
});
