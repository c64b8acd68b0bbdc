import { describe, expect, it } from 'vitest';
import { findingText, note, ok, problem, problemsOf, verdictText } from '../../../../src/core/common/finding.ts';

describe('findings', () => {
  const found = [ok('token', 'belongs to ann'), note('clicks', 'off'), problem('service', 'does not answer', 'start prosam serve')];

  it('are printed one a line, with what to do below', () => {
    expect(found.map((one) => findingText(one)).join('\n')).toBe(
      [
        'ok       token: belongs to ann',
        'note     clicks: off',
        'problem  service: does not answer',
        '         fix: start prosam serve',
      ].join('\n'),
    );
  });

  it('fit the terminal', () => {
    expect(findingText(problem('a', 'one two three', 'four five six'), 20)).toBe(
      ['problem  a: one two', '         three', '         fix: four', '              five', '              six'].join('\n'),
    );
  });

  it('end with a verdict that counts problems alone', () => {
    expect(problemsOf(found)).toEqual([found[2]]);
    expect([[], found.slice(0, 2), found, [...found, ...found]].map(verdictText)).toEqual([
      'No problems found.',
      'No problems found.',
      '1 problem found.',
      '2 problems found.',
    ]);
  });
});
