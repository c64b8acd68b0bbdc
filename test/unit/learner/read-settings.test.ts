/** The learner's settings as people write them, and the hours they mean. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEARNER_DEFAULTS } from '../../../src/learner/settings.ts';
import { allowedTimes, parseLearnerSettings } from '../../../src/learner/read-settings.ts';
import { expectCode } from '../core/expect-error.ts';

const at = (text: string): number => Date.parse(text);
const OFFICE = { starts: '0 8 * * 1-5', minutes: 600, timeZone: 'UTC' };

describe('parseLearnerSettings', () => {
  it('fills in what is not said', () => {
    expect(parseLearnerSettings({})).toEqual(LEARNER_DEFAULTS);
    expect(parseLearnerSettings({ steps: 7, quietHours: { starts: '0 8 * * *', minutes: 60 } })).toEqual({
      ...LEARNER_DEFAULTS,
      steps: 7,
      quietHours: { starts: '0 8 * * *', minutes: 60 },
    });
  });

  it('refuses what it does not know or cannot mean', () => {
    expectCode('CONFIG_INVALID', () => parseLearnerSettings({ stepps: 7 }), 'stepps');
    for (const fitFrom of [1, 13, -1]) expectCode('CONFIG_INVALID', () => parseLearnerSettings({ fitFrom }), 'fitFrom');
    for (const fitFrom of [0, 2, 12]) expect(parseLearnerSettings({ fitFrom })).toMatchObject({ fitFrom });
    for (const crops of [-1, 17, 0.5]) expectCode('CONFIG_INVALID', () => parseLearnerSettings({ crops }), 'crops');
    expectCode('CONFIG_INVALID', () => parseLearnerSettings({ steps: 0, gateShare: 0.9 }), 'steps', 'gateShare');
    expectCode(
      'CONFIG_INVALID',
      () => parseLearnerSettings({ quietHours: { ...OFFICE, starts: '0 25 * * *' } }),
      'quietHours.starts',
      'cron',
    );
    expectCode('CONFIG_INVALID', () => parseLearnerSettings({ onlyDuring: { ...OFFICE, timeZone: 'Mars' } }), 'time zone');
  });
});

describe('allowedTimes', () => {
  it('keeps out of quiet hours', () => {
    const next = allowedTimes({ quietHours: OFFICE });
    expect(next(at('2026-11-23T07:59:59Z'))).toBe(at('2026-11-23T07:59:59Z')); // a Monday
    expect(next(at('2026-11-23T08:00:00Z'))).toBe(at('2026-11-23T18:00:00Z'));
    expect(next(at('2026-11-23T12:34:56Z'))).toBe(at('2026-11-23T18:00:00Z'));
    expect(next(at('2026-11-23T18:00:00Z'))).toBe(at('2026-11-23T18:00:00Z'));
    expect(next(at('2026-11-22T12:00:00Z'))).toBe(at('2026-11-22T12:00:00Z'));
  });

  it('keeps to the hours it is given, and to both', () => {
    const nights = { starts: '0 22 * * *', minutes: 480, timeZone: 'UTC' };
    const next = allowedTimes({ onlyDuring: nights });
    expect(next(at('2026-11-23T12:00:00Z'))).toBe(at('2026-11-23T22:00:00Z'));
    expect(next(at('2026-11-24T05:59:00Z'))).toBe(at('2026-11-24T05:59:00Z'));
    expect(next(at('2026-11-24T06:00:00Z'))).toBe(at('2026-11-24T22:00:00Z'));
    const backups = { starts: '0 22 * * *', minutes: 60, timeZone: 'UTC' };
    expect(allowedTimes({ onlyDuring: nights, quietHours: backups })(at('2026-11-23T12:00:00Z'))).toBe(at('2026-11-23T23:00:00Z'));
  });

  it('knows summer time', () => {
    const next = allowedTimes({ quietHours: { starts: '0 8 * * *', minutes: 60, timeZone: 'Europe/Berlin' } });
    expect(next(at('2026-07-01T06:30:00Z'))).toBe(at('2026-07-01T07:00:00Z'));
    expect(next(at('2026-12-01T06:30:00Z'))).toBe(at('2026-12-01T06:30:00Z'));
  });

  it('never names a moment that is not allowed, and says so where there is none', () => {
    const start = at('2026-11-23T00:00:00Z');
    fc.assert(
      fc.property(fc.nat(14 * 1440), fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 }), (minute, quiet, open) => {
        const windows = { quietHours: { ...OFFICE, minutes: quiet }, onlyDuring: { starts: '30 6 * * *', minutes: open, timeZone: 'UTC' } };
        const next = allowedTimes(windows);
        const now = start + 60_000 * minute;
        const allowed = next(now);
        expect(allowed).toBeGreaterThanOrEqual(now);
        if (allowed > now) expect(next(now + Math.floor((allowed - now) / 2 / 60_000) * 60_000)).toBe(allowed);
        if (Number.isFinite(allowed) && allowed - now < 7 * 86_400_000) expect(next(allowed)).toBe(allowed);
      }),
      { numRuns: 50 },
    );
    const always = { starts: '*/10 * * * *', minutes: 20, timeZone: 'UTC' };
    expect(allowedTimes({ quietHours: always })(start)).toBeGreaterThan(start + 86_400_000);
  });
});
