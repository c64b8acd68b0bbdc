/** Docstrings begin with a noun or a verb. */
import { expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript, because ESLint's configuration loads it
import { badOpening as untyped } from '../../../tools/lint/docstrings.mjs';

const badOpening = untyped as (comment: string) => string | undefined;

it('refuses relative clauses and bare prepositions', () => {
  expect(badOpening('* What keeps a device from being used. ')).toBe('What');
  expect(badOpening('* Of the next prediction. ')).toBe('Of');
  expect(badOpening('*\n   * Where a file lies.\n   ')).toBe('Where');
  expect(badOpening('* Who asks. ')).toBe('Who');
});

it('lets nouns, verbs and tags begin', () => {
  for (const good of ['* Whole image. ', '* Officer. ', '*\n * Reads a file.\n ', '* @default 4 ', '* Whether it is ready. '])
    expect(badOpening(good)).toBeUndefined();
});
