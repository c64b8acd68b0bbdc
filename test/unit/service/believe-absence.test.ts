import { describe, expect, it } from 'vitest';
import { believeAbsence, type Look } from '../../../src/service/believe-absence.ts';

const look = (more: Partial<Look> = {}): Look => ({ confirmed: true, listed: 10, announced: 10, known: 10, missing: 1, ...more });

describe('absence', () => {
  it.each<[string, Partial<Look>]>([
    ['one of many', {}],
    ['half', { missing: 5 }],
    ['the only one', { known: 1 }],
    ['both of two', { known: 2, missing: 2 }],
    ['one of a list that does not say how long it is', { announced: undefined }],
    ['one of a list that grew', { listed: 12 }],
    ['most, where a person says so', { missing: 10, accepted: true }],
    ['little by little, as long as it is little', { missing: 2, lately: 3 }],
  ])('is believed of %s', (_what, more) => {
    expect(believeAbsence(look(more))).toEqual({ gone: true });
  });

  it.each<[string, Partial<Look>, string]>([
    ['where the project does not answer', { confirmed: false }, 'does not answer'],
    ['where the project does not answer, whatever a person says', { confirmed: false, accepted: true }, 'does not answer'],
    ['where a part of the list is seen', { listed: 9 }, 'only 9 of the 10'],
    ['where nothing of the list is seen, whatever a person says', { listed: 0, accepted: true }, 'only 0 of the 10'],
    ['of most', { missing: 6 }, '6 of 10'],
    ['of three of three', { known: 3, missing: 3 }, '3 of 3'],
    ['of all of five', { known: 5, missing: 5 }, '5 of 5'],
    ['of most in small steps', { known: 6, missing: 2, lately: 4 }, '6 of 10'],
    ['of the rest of a few', { known: 1, missing: 1, lately: 2 }, '3 of 3'],
  ])('is not believed %s', (_what, more, why) => {
    const belief = believeAbsence(look(more));
    expect(belief).toEqual({ gone: false, why: expect.stringContaining(why) as string });
  });
});
