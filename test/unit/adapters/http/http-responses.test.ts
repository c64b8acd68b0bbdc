/** Answers of the shell: errors, time that runs out, health, headers, and what the log says of them. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { route, type Route } from '../../../../src/adapters/http/route.ts';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { AUTHORIZED, errorOf, JSON_BODY, closedApps } from './running-app.ts';
import { echo, failing } from './echo-route.ts';

const start = closedApps();

describe('an error', () => {
  it('says how long to wait', async () => {
    const busy = failing(() => new ProsamError('SERVICE_BUSY', 'All places are taken. Wait.', { retryAfterMs: 2400 }));
    const client = failing(() => new ProsamError('CLIENT_BUSY', 'Too many. Wait.'), { path: '/client' });
    const { url } = await start([busy, client]);
    const one = await fetch(`${url}/v1/fail`, { headers: AUTHORIZED });
    expect([one.status, one.headers.get('retry-after')]).toEqual([503, '3']);
    const other = await fetch(`${url}/v1/client`, { headers: AUTHORIZED });
    expect([other.status, other.headers.get('retry-after')]).toEqual([429, '1']);
  });

  it('of the inside is told to admins and the log only', async () => {
    const guard = {
      tokens: [
        { name: 'root', token: 'r'.repeat(16), access: 'admin' as const },
        { name: 'low', token: 'l'.repeat(16) },
      ],
    };
    const known = failing(() => new ProsamError('MODEL_NOT_FOUND', 'No model in /srv/secret-place.'), { path: '/known' });
    const inside = failing(() => new ProsamError('STORAGE_FAILED', 'postgres://me:pw@db did not answer.'), { path: '/inside' });
    const unknown = failing(() => new Error('/srv/secret-place/file.ts exploded'), { path: '/unknown' });
    const odd = failing(() => null, { path: '/odd' });
    const { url, log } = await start([known, inside, unknown, odd], { guard });
    const ask = async (path: string, token: string): Promise<[number, string, string]> => {
      const response = await fetch(`${url}/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
      const { code, message } = await errorOf(response);
      return [response.status, code, message];
    };
    expect((await ask('inside', 'l'.repeat(16)))[2]).not.toContain('postgres');
    expect((await ask('inside', 'l'.repeat(16))).slice(0, 2)).toEqual([503, 'STORAGE_FAILED']);
    expect((await ask('inside', 'r'.repeat(16)))[2]).toContain('did not answer');
    for (const path of ['unknown', 'odd']) {
      for (const token of ['l', 'r']) {
        const [status, code, message] = await ask(path, token.repeat(16));
        expect([status, code]).toEqual([500, 'ENGINE_FAILED']);
        expect(message).not.toMatch(/secret-place|\.ts|at /);
      }
    }
    expect((await ask('known', 'l'.repeat(16)))[2]).toBe('No model in /srv/secret-place.');
    expect(log.some(({ level, message }) => level === 'error' && message.includes('exploded'))).toBe(true);
  });
});

describe('time', () => {
  const slow = (deadlineMs: number, watched: AbortSignal[]): Route =>
    route({
      method: 'get',
      path: '/slow',
      summary: 'Takes its time',
      access: 'read',
      deadlineMs,
      handle: async ({ signal }) => {
        watched.push(signal);
        await wait(3_600_000, undefined, { signal });
        return { json: {} };
      },
    });

  it('that runs out aborts the handler and answers 504, whether or not the handler listens', async () => {
    const watched: AbortSignal[] = [];
    const deaf = route({
      method: 'get',
      path: '/deaf',
      summary: 'x',
      access: 'read',
      deadlineMs: 100,
      handle: () => new Promise(() => undefined),
    });
    const { url } = await start([slow(100, watched), deaf]);
    for (const path of ['slow', 'deaf']) {
      const response = await fetch(`${url}/v1/${path}`, { headers: AUTHORIZED });
      expect([response.status, (await errorOf(response)).code]).toEqual([504, 'DEADLINE_EXCEEDED']);
    }
    expect(watched[0]?.aborted).toBe(true);
  });

  it('is not wasted on clients that went away', async () => {
    const watched: AbortSignal[] = [];
    const { url, log } = await start([slow(0, watched)]);
    const away = new AbortController();
    const asked = fetch(`${url}/v1/slow`, { headers: AUTHORIZED, signal: away.signal }).catch(() => 'gone');
    while (watched.length === 0) await wait(5);
    away.abort();
    expect(await asked).toBe('gone');
    await expect.poll(() => watched[0]?.aborted).toBe(true);
    await expect.poll(() => log.some(({ fields }) => fields.status === 499)).toBe(true);
    expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('leaves signals alone once the answer is out', async () => {
    let kept: AbortSignal | undefined;
    const quick = route({
      method: 'get',
      path: '/quick',
      summary: 'x',
      access: 'read',
      deadlineMs: 500,
      handle: ({ signal }) => {
        kept = signal;
        return Promise.resolve({ json: {} });
      },
    });
    const { url } = await start([quick]);
    await (await fetch(`${url}/v1/quick`, { headers: AUTHORIZED })).text();
    await wait(600);
    expect(kept?.aborted).toBe(false);
  });
});

describe('standing answers', () => {
  it('tell alive from ready', async () => {
    let ready: () => boolean | Promise<boolean> = () => true;
    const { url } = await start([], { ready: () => ready() });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    ready = () => Promise.reject(new Error('the database'));
    const no = await fetch(`${url}/ready`);
    expect([no.status, await no.json()]).toEqual([503, { ready: false }]);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('carry headers that keep browsers careful, errors too', async () => {
    const { url } = await start([]);
    for (const path of ['/health', '/nowhere']) {
      const { headers } = await fetch(url + path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });
});

describe('the log', () => {
  it('says what happened without query, and by whom', async () => {
    const { url, log } = await start([echo]);
    await fetch(`${url}/v1/projects/p/things?token=hunter2`, {
      method: 'POST',
      headers: { ...JSON_BODY, 'x-request-id': 'r1' },
      body: '{"name":"x"}',
    });
    await expect.poll(() => log.length).toBe(1);
    expect(log[0]?.fields).toMatchObject({
      requestId: 'r1',
      method: 'POST',
      path: '/v1/projects/p/things',
      route: '/v1/projects/:project/things',
      status: 400,
      code: 'REQUEST_INVALID',
      caller: 'tester',
    });
    expect(JSON.stringify(log)).not.toContain('hunter2');
  });
});
