/** Hints with every error, held against docs/reference/errors.md. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_HINTS } from '../../../../src/core/common/error-hints.ts';

it('gives every code the advice of docs/reference/errors.md', () => {
  const rows = [...readFileSync('docs/reference/errors.md', 'utf8').matchAll(/^\| `([A-Z_]+)` \| \d+ \| .* \| (.*) \|$/gm)];
  expect(rows.length).toBeGreaterThan(40);
  expect(ERROR_HINTS).toEqual(Object.fromEntries(rows.map(([, code, advice]) => [code, advice])));
});
