import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_STATUS, isProsamError, messageOf, ProsamError, type ErrorCode } from '../src/core/common/errors.ts';

const ROW = /^\| `([A-Z_]+)` \| (\d{3}) \|/gm;
const documented = new Map(
  [...readFileSync('docs/reference/errors.md', 'utf8').matchAll(ROW)].map(([, code, status]) => [code, Number(status)]),
);

describe('the error catalogue', () => {
  it('is documented code by code with its status, and nothing else is', () => {
    expect(Object.fromEntries(documented)).toEqual(ERROR_STATUS);
  });

  it('is recognised by its brand, not by its class', () => {
    const error = new ProsamError('MASK_EMPTY', 'nothing marked', { cause: 'x' });
    expect(isProsamError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'MASK_EMPTY', status: 422, name: 'ProsamError', cause: 'x' });
    const foreign = Object.assign(new Error('copy'), { [Symbol.for('prosam.error')]: true, code: 'MASK_EMPTY' satisfies ErrorCode });
    expect(isProsamError(foreign)).toBe(true);
    expect([new Error('x'), null, undefined, 'MASK_EMPTY', {}].filter(isProsamError)).toEqual([]);
  });

  it('finds a message in anything thrown', () => {
    expect([new Error('a'), 'b', 3].map(messageOf)).toEqual(['a', 'b', '3']);
  });
});
