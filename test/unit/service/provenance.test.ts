/** Which mask counts before which. */
import { describe, expect, it } from 'vitest';
import { checkAbsence, checkMaskCount, countsBefore, preferenceOf, PROVENANCES } from '../../../src/service/ports/provenance.ts';
import { expectCode } from '../core/expect-error.ts';

describe('provenance', () => {
  it('ranks flagged masks first, then by origin, then the newest', () => {
    const ranks = [true, false].flatMap((flagged) => PROVENANCES.map((one) => preferenceOf(one, flagged)));
    expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
    expect(new Set(ranks).size).toBe(ranks.length);
    const mask = { provenance: 'drawn', flagged: false, sequence: 5 } as const;
    expect(countsBefore({ ...mask, sequence: 6 }, mask)).toBe(true);
    expect(countsBefore(mask, mask)).toBe(false);
    expect(countsBefore({ ...mask, provenance: 'accepted', sequence: 9 }, mask)).toBe(false);
    expect(countsBefore({ provenance: 'accepted', flagged: true, sequence: 1 }, mask)).toBe(true);
  });

  it('has masks unless something is absent, rejected or skipped', () => {
    checkMaskCount('drawn', 1);
    for (const without of ['absent', 'rejected', 'skipped'] as const) {
      checkMaskCount(without, 0);
      expectCode('REQUEST_INVALID', () => checkMaskCount(without, 2), 'got 2');
    }
    expectCode('MASK_EMPTY', () => checkMaskCount('edited', 0), '"edited"');
  });

  it('names labels that are absent with "absent" and beside masks of others alone', () => {
    checkAbsence('absent', ['cup'], []);
    checkAbsence('drawn', ['cup'], ['plate']);
    checkAbsence('skipped', [], []);
    expectCode('REQUEST_INVALID', () => checkAbsence('rejected', ['cup'], []), '"rejected"');
    expectCode('REQUEST_INVALID', () => checkAbsence('skipped', ['cup'], []), '"skipped"');
    expectCode('REQUEST_INVALID', () => checkAbsence('edited', ['cup'], ['plate', 'cup']), '"cup"');
    expectCode('REQUEST_INVALID', () => checkAbsence('absent', [''], []), 'absent');
    expectCode('REQUEST_INVALID', () => checkAbsence('absent', Array<string>(1001).fill('cup'), []), '1001');
  });
});
