/** Credentials over real connections: who is let in, who is not, and how signatures age. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createGuard, mayUse, type GuardOptions } from '../../../../src/adapters/http/guard.ts';
import { route, type Access } from '../../../../src/adapters/http/route.ts';
import { createReplayMemory, signBody, signRequest, verifySignature } from '../../../../src/adapters/http/signature.ts';
import { errorOf, startApp, type RunningApp } from './running-app.ts';

const running: RunningApp[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close({ deadlineMs: 100 })));
});

const ACCESSES: readonly Access[] = ['open', 'read', 'write', 'admin'];

async function start(guard: GuardOptions): Promise<string> {
  const routes = ACCESSES.map((access) =>
    route({
      method: 'get',
      path: `/${access}`,
      summary: 'x',
      access,
      handle: ({ caller }) => Promise.resolve({ json: { name: caller.name } }),
    }),
  );
  const save = route({
    method: 'post',
    path: '/save',
    summary: 'x',
    access: 'write',
    body: z.strictObject({ project: z.string(), pad: z.string().optional() }),
    handle: ({ caller }) => Promise.resolve({ json: { name: caller.name } }),
  });
  const of = route({
    method: 'get',
    path: '/projects/:project',
    summary: 'x',
    access: 'read',
    query: z.object({ project: z.string().optional() }),
    handle: () => Promise.resolve({ json: {} }),
  });
  const one = await startApp([...routes, save, of], { guard });
  running.push(one);
  return `${one.url}/v1`;
}

const SECRET = 'a secret of some length';
const ALL: GuardOptions = {
  tokens: [
    { name: 'reader', token: 'reader-token-0001', access: 'read' },
    { name: 'writer', token: 'writer-token-0001' },
    { name: 'boss', token: 'boss-token-000001', access: 'admin' },
    { name: 'held', token: 'held-token-000001', access: 'admin', projects: ['mine'] },
  ],
  basic: [{ name: 'annette', password: 'pass:word é', access: 'read' }],
  hmac: [
    { name: 'other', secret: 'another secret, longer', access: 'read' },
    { name: 'signer', secret: SECRET },
  ],
};

const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describe('the guard', () => {
  it.each([
    ['Bearer reader-token-0001', [200, 200, 403, 403]],
    ['bearer writer-token-0001', [200, 200, 200, 403]],
    ['Bearer boss-token-000001', [200, 200, 200, 200]],
    [basic('annette', 'pass:word é'), [200, 200, 403, 403]],
    [undefined, [200, 401, 401, 401]],
    ['Bearer reader-token-0002', [200, 401, 401, 401]],
    ['Bearer reader-token-000', [200, 401, 401, 401]],
    ['Bearer', [200, 401, 401, 401]],
    ['Bearer ', [200, 401, 401, 401]],
    ['Bearer a b', [200, 401, 401, 401]],
    ['Digest reader-token-0001', [200, 401, 401, 401]],
    ['reader-token-0001', [200, 401, 401, 401]],
    [basic('annette', 'pass'), [200, 401, 401, 401]],
    [basic('annett', 'e:pass:word é'), [200, 401, 401, 401]],
    [basic('', ''), [200, 401, 401, 401]],
    ['Basic ====', [200, 401, 401, 401]],
    [`Bearer ${'x'.repeat(5000)}`, [200, 401, 401, 401]],
  ])('gives %s the right answers for open, read, write and admin', async (authorization, wanted) => {
    const url = await start(ALL);
    const got = await Promise.all(
      ACCESSES.map(async (access) => fetch(`${url}/${access}`, { headers: authorization === undefined ? {} : { authorization } })),
    );
    expect(got.map(({ status }) => status)).toEqual(wanted);
    for (const response of got.filter(({ status }) => status === 401)) {
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="prosam".*Bearer/);
      expect((await errorOf(response)).code).toBe('UNAUTHORIZED');
    }
    for (const response of got.filter(({ status }) => status === 403)) expect((await errorOf(response)).code).toBe('FORBIDDEN');
  });

  it('lets nobody in where nothing is configured', async () => {
    const url = await start({});
    expect((await fetch(`${url}/read`)).status).toBe(401);
    expect((await fetch(`${url}/read`, { headers: { authorization: 'Bearer undefined' } })).status).toBe(401);
    expect((await fetch(`${url}/read`, { headers: { 'x-prosam-signature': signBody('', '', Date.now()) } })).status).toBe(401);
  });

  it('lets anybody in where that is configured, but never with wrong credentials', async () => {
    const url = await start({ ...ALL, anonymous: 'read' });
    expect((await fetch(`${url}/read`)).status).toBe(200);
    expect((await fetch(`${url}/write`)).status).toBe(401);
    expect((await fetch(`${url}/read`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await fetch(`${url}/write`, { headers: { authorization: 'Bearer writer-token-0001' } })).status).toBe(200);
  });

  it('holds callers to their projects, wherever a request names one', async () => {
    const url = await start(ALL);
    const headers = { authorization: 'Bearer held-token-000001', 'content-type': 'application/json' };
    expect((await fetch(`${url}/projects/mine`, { headers })).status).toBe(200);
    expect((await fetch(`${url}/projects/theirs`, { headers })).status).toBe(403);
    expect((await fetch(`${url}/projects/mine?project=theirs`, { headers })).status).toBe(403);
    const save = (project: string): Promise<Response> =>
      fetch(`${url}/save`, { method: 'POST', headers, body: JSON.stringify({ project }) });
    expect((await save('mine')).status).toBe(200);
    expect((await save('theirs')).status).toBe(403);
    expect(() => mayUse({ name: 'a', access: 'read', projects: [] }, 'x')).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }) as Error);
    expect(() => mayUse({ name: 'a', access: 'read' }, 'x')).not.toThrow();
  });

  it('wants secrets that are worth the name', () => {
    const invalid = expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error;
    expect(() => createGuard({ tokens: [{ name: 'a', token: 'x'.repeat(15) }] })).toThrow(invalid);
    expect(() => createGuard({ basic: [{ name: 'a', password: 'x'.repeat(7) }] })).toThrow(invalid);
    expect(() => createGuard({ hmac: [{ name: 'a', secret: '' }] })).toThrow(invalid);
    expect(() => createGuard({ basic: [{ name: 'a:b', password: 'x'.repeat(8) }] })).toThrow(invalid);
    const twice = { name: 'a', password: 'x'.repeat(8) };
    expect(() => createGuard({ basic: [twice, twice] })).toThrow(invalid);
  });
});

describe('a signed request', () => {
  const body = JSON.stringify({ project: 'p' });
  const line = { method: 'POST', path: '/v1/save' };
  const signedBy = (secret: string, text: string, timeMs: number): string => signRequest(secret, line, text, timeMs);
  const send = (url: string, signature: string, text = body): Promise<Response> =>
    fetch(`${url}/save`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-prosam-signature': signature }, body: text });

  it('is let in once', async () => {
    const url = await start(ALL);
    const signature = signedBy(SECRET, body, Date.now());
    const first = await send(url, signature);
    expect([first.status, await first.json()]).toEqual([200, { name: 'signer' }]);
    const replay = await send(url, signature);
    expect([replay.status, (await errorOf(replay)).code]).toEqual([401, 'UNAUTHORIZED']);
    expect((await send(url, signedBy(SECRET, body, Date.now() + 1))).status).toBe(200);
  });

  it('has the access of its secret', async () => {
    const url = await start(ALL);
    expect((await send(url, signedBy('another secret, longer', body, Date.now()))).status).toBe(403);
  });

  it('is refused when wrong, stale, early, changed or malformed', async () => {
    const url = await start(ALL);
    const now = Date.now();
    const good = signedBy(SECRET, body, now);
    const wrong = [
      signedBy('a secret of some lengtH', body, now),
      signedBy(SECRET, body, now - 301_000),
      signedBy(SECRET, body, now + 301_000),
      signedBy(SECRET, `${body} `, now),
      good.replace(/t=\d+/, `t=${now + 1}`),
      good.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      good.toUpperCase(),
      good.slice(0, -1),
      `${good},v2=${'0'.repeat(64)}`,
      `v2=${'0'.repeat(64)}`,
      't=NaN,v2=',
      signedBy(SECRET, body, Math.round(now / 1000)),
      // For another method, path or query.
      signRequest(SECRET, { ...line, method: 'PUT' }, body, now),
      signRequest(SECRET, { ...line, path: '/v1/projects/p' }, body, now),
      signRequest(SECRET, { ...line, path: '/v1/save?project=q' }, body, now),
      // Moved from one part to the next.
      signRequest(SECRET, { ...line, path: `${line.path}\n${body.slice(0, 3)}` }, body.slice(3), now),
      // The body alone: it could have been meant for anything.
      signBody(SECRET, body, now),
      'x'.repeat(8000),
    ];
    for (const signature of wrong) expect([signature, (await send(url, signature)).status]).toEqual([signature, 401]);
    // None of them used up the good one.
    expect((await send(url, good)).status).toBe(200);
  });

  it('may be large, and is checked before it is parsed', async () => {
    const url = await start(ALL);
    const large = JSON.stringify({ project: 'p', pad: 'x'.repeat(5_000_000) });
    expect((await send(url, signedBy(SECRET, large, Date.now()), large)).status).toBe(200);
    expect((await send(url, signedBy(SECRET, 'other', Date.now()), '{"project":')).status).toBe(401);
  });

  it('of the body alone reads, and changes things only where its secret may', async () => {
    const asked = (signature: string, path: string, method = 'GET') => ({ signature, path, method });
    const status = async (url: string, { signature, path, method }: ReturnType<typeof asked>) => {
      const headers = { 'content-type': 'application/json', 'x-prosam-signature': signature };
      return fetch(`${url}${path}`, { method, headers, ...(method === 'POST' && { body }) });
    };
    const now = Date.now();
    const url = await start(ALL);
    expect((await status(url, asked(signBody(SECRET, '', now), '/read'))).status).toBe(200);
    expect(
      (await status(url, asked(signRequest(SECRET, { method: 'GET', path: '/v1/read?a=%20b' }, '', now), '/read?a=%20b'))).status,
    ).toBe(200);
    const refused = await status(url, asked(signBody(SECRET, body, now), '/save', 'POST'));
    expect(refused.status).toBe(401);
    expect((await errorOf(refused)).message).toMatch(/v1.*v2.*bodyOnly/);
    const [other, signer] = ALL.hmac as NonNullable<GuardOptions['hmac']>;
    const older = await start({ ...ALL, hmac: [other as never, { ...(signer as NonNullable<typeof signer>), bodyOnly: true }] });
    expect((await status(older, asked(signBody(SECRET, body, now + 1), '/save', 'POST'))).status).toBe(200);
    // Another secret may not borrow that.
    expect((await status(older, asked(signBody('another secret, longer', body, now + 1), '/save', 'POST'))).status).toBe(401);
  });
});

describe('signatures', () => {
  it('of requests are an ordinary HMAC-SHA256 over time, method, path and body, a line each', () => {
    const expected = createHmac('sha256', 'key').update('1700000000000\nPUT\n/v1/a?b=c\n{"a":1}').digest('hex');
    expect(signRequest('key', { method: 'put', path: '/v1/a?b=c' }, '{"a":1}', 1_700_000_000_000)).toBe(`t=1700000000000,v2=${expected}`);
  });

  it('are an ordinary HMAC-SHA256 over timestamp, dot and body', () => {
    const expected = createHmac('sha256', 'key').update('1700000000000.{"a":1}').digest('hex');
    expect(signBody('key', '{"a":1}', 1_700_000_000_000)).toBe(`t=1700000000000,v1=${expected}`);
  });

  it('fit their own bytes, secret and time, and no others', async () => {
    const property = fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: 300 }),
      fc.integer({ min: -600_000, max: 600_000 }),
      async (bytes, at, offMs) => {
        const header = signBody('one secret', bytes, 1_000_000_000_000);
        const verify = (secrets: string[], over: Uint8Array, nowMs = 1_000_000_000_000): Promise<boolean> =>
          verifySignature(secrets, header, over, { nowMs }).then(
            () => true,
            () => false,
          );
        expect(await verify(['another', 'one secret'], bytes)).toBe(true);
        expect(await verify(['another'], bytes)).toBe(false);
        expect(await verify(['one secret'], bytes, 1_000_000_000_000 + offMs)).toBe(Math.abs(offMs) <= 300_000);
        const changed = Uint8Array.from([...bytes, 0]);
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ 1;
        expect(await verify(['one secret'], changed)).toBe(false);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it('are remembered as long as they would be accepted, and no more of them than agreed', async () => {
    const memory = createReplayMemory(2);
    expect(await memory.use('a', 0, 100)).toBe(true);
    expect(await memory.use('a', 100, 100)).toBe(false);
    expect(await memory.use('b', 100, 150)).toBe(true);
    await expect(memory.use('c', 100, 200)).rejects.toMatchObject({ code: 'CLIENT_BUSY' });
    expect(await memory.use('c', 101, 200)).toBe(true);
    expect(await memory.use('b', 101, 150)).toBe(false);
  });
});
