/** Bytes put together and looked through in slices give what they give as a whole. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isUtf8Text, joinBytes } from '../../../../../src/adapters/http/body/join-bytes.ts';

it('pieces are put together in order, whatever their sizes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), async (pieces) => {
      expect(Buffer.compare(await joinBytes(pieces), Buffer.concat(pieces))).toBe(0);
    }),
  );
});

const SLICE = 8 * 2 ** 20;

it('UTF-8 is told from other bytes, also where a letter lies across two slices', async () => {
  for (const letter of ['a', '\u00e4', '\u20ac', '\u{1f600}']) {
    for (let before = 1; before <= 4; before++) {
      const text = Buffer.concat([Buffer.alloc(SLICE - before, 'x'), Buffer.from(letter.repeat(5))]);
      expect(await isUtf8Text(text), `${letter} ${before}`).toBe(true);
      expect(await isUtf8Text(text.subarray(0, text.length - 1)), `${letter} ${before}, cut`).toBe(
        isUtf8(text.subarray(0, text.length - 1)),
      );
    }
  }
  const broken = Buffer.alloc(SLICE + 10, 'x');
  broken.fill(0x80, SLICE - 2, SLICE + 3);
  expect(await isUtf8Text(broken)).toBe(false);
});
