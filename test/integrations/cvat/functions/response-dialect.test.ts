/** Which form of answer a version of CVAT gets. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialectOf } from '../../../../src/adapters/cvat/nuclio/response-dialect.ts';

describe('the form of an answer', () => {
  it.each([
    ['CVAT/2.15.0 python-requests/2.31.0', 'mask'],
    ['CVAT/2.54.1 python-requests/2.32.4', 'mask'],
    ['CVAT/2.6.0', 'mask'],
    ['CVAT/2.9', 'mask'],
    ['CVAT/2.59.9 python-requests/2.32.4', 'mask'],
    ['CVAT/2.58.1-alpha', 'mask'],
    ['CVAT/1.99', 'mask'],
    ['CVAT/2.60', 'shapes'],
    ['CVAT/2.60.0 python-requests/2.32.4', 'shapes'],
    ['CVAT/2.60.0+build.7', 'shapes'],
    ['CVAT/2.64.1-alpha python-requests/2.32.5', 'shapes'],
    ['CVAT/2.64.1a0', 'shapes'],
    ['CVAT/2.73.0 python-requests/2.32.4', 'shapes'],
    ['CVAT/2.100.0', 'shapes'],
    ['CVAT/3.0.0', 'shapes'],
    ['CVAT/v2.73.0', 'shapes'],
    ['cvat/2.73.0', 'shapes'],
    // Behind a proxy that adds its own name.
    ['proxy/1.2 (via CVAT/2.54.1) CVAT/2.54.1 python-requests/2.32.4', 'mask'],
    ['gateway/7 CVAT/2.73.0', 'shapes'],
    // 2.60 was in the making under these names.
    ['CVAT/2.59.1-alpha', 'either'],
    ['CVAT/2.60.0-alpha.0 python-requests/2.32.4', 'either'],
    ['CVAT/2.60rc1', 'either'],
    [undefined, 'either'],
    ['', 'either'],
    ['python-requests/2.32.4', 'either'],
    ['Mozilla/5.0 (X11; Linux x86_64)', 'either'],
    ['cvat_cli/2.80.0 (agent) cvat_sdk/2.80.0', 'either'],
    ['MyCVAT/2.73.0', 'either'],
    ['CVAT', 'either'],
    ['CVAT/', 'either'],
    ['CVAT/2', 'either'],
    ['CVAT/2.x', 'either'],
    ['CVAT/dev', 'either'],
    ['CVAT/2.73/0', 'either'],
    ['CVAT/2.99999999999', 'either'],
    ['CVAT/-2.73', 'either'],
    ['CVAT/2.54.1 CVAT/2.73.0', 'either'],
  ] as const)('for %j: %s', (userAgent, dialect) => {
    expect(dialectOf(userAgent)).toBe(dialect);
  });

  it('is chosen for any text, and by numbers, not by letters', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => ['mask', 'shapes', 'either'].includes(dialectOf(text))));
    fc.assert(
      fc.property(fc.nat({ max: 12 }), fc.nat({ max: 300 }), fc.nat({ max: 30 }), (major, minor, patch) => {
        const later = major > 2 || (major === 2 && minor >= 60);
        expect(dialectOf(`CVAT/${major}.${minor}.${patch} python-requests/2.32.4`)).toBe(later ? 'shapes' : 'mask');
      }),
    );
  });
});
