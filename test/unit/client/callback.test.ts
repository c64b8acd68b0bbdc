/** Callbacks as their receiver checks them: what the service signs is taken once, everything else is refused. */
import { describe, expect, it } from 'vitest';
import { signBody } from '../../../src/adapters/http/signature.ts';
import { createCallbackMemory, verifyCallback, type VerifyCallbackOptions } from '../../../src/client/index.ts';

const SECRET = 'a secret of callbacks';
const NOW = 1_760_000_000_000;
const BODY = JSON.stringify({ event: 'job.end', job: { id: 'jöb' } });
const HEADER = signBody(SECRET, BODY, NOW);
const verify = (body: string | Uint8Array, header: string | null, secret = SECRET, options: VerifyCallbackOptions = {}) =>
  verifyCallback(body, header, secret, { nowMs: NOW, ...options });

describe('verifyCallback', () => {
  it('takes what the service signed, as text or bytes', async () => {
    expect(await verify(BODY, HEADER)).toEqual(JSON.parse(BODY));
    expect(await verify(new TextEncoder().encode(BODY), HEADER)).toEqual(JSON.parse(BODY));
  });

  it.each([
    ['a changed body', BODY.replace('jöb', 'job'), HEADER, SECRET, NOW],
    ['another secret', BODY, HEADER, 'another secret altogether', NOW],
    ['a changed time', BODY, HEADER.replace(`t=${NOW}`, `t=${NOW + 1}`), SECRET, NOW],
    ['a late arrival', BODY, HEADER, SECRET, NOW + 300_001],
    ['a time to come', BODY, HEADER, SECRET, NOW - 300_001],
    ['no signature', BODY, null, SECRET, NOW],
    ['a malformed one', BODY, HEADER.toUpperCase(), SECRET, NOW],
    ['a shortened one', BODY, HEADER.slice(0, -2), SECRET, NOW],
  ])('refuses %s', async (_, body, header, secret, nowMs) => {
    await expect(verify(body, header, secret, { nowMs })).rejects.toMatchObject({ code: 'CALLBACK_REFUSED' });
  });

  it('takes each signature once and forgets it when its time is over', async () => {
    const seen = createCallbackMemory();
    await verify(BODY, HEADER, SECRET, { seen });
    await expect(verify(BODY, HEADER, SECRET, { seen })).rejects.toThrow('used before');
    const later = signBody(SECRET, BODY, NOW + 1);
    await verify(BODY, later, SECRET, { seen });
    // A forged one must not use up the true one.
    const third = signBody(SECRET, BODY, NOW + 2);
    await expect(verify(`${BODY} `, third, SECRET, { seen })).rejects.toMatchObject({ code: 'CALLBACK_REFUSED' });
    await verify(BODY, third, SECRET, { seen });
    expect(await seen.use('x', NOW + 400_000, NOW + 500_000)).toBe(true);
    expect(await seen.use(HEADER.slice(-64), NOW + 400_000, NOW + 500_000)).toBe(true);
  });
});
