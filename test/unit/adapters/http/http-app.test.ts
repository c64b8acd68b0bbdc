/** Requests and answers of the shell, over real connections. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { route, type Route } from '../../../../src/adapters/http/route.ts';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { AUTHORIZED, errorOf, JSON_BODY, sendRaw, startApp, type Options, type RunningApp } from './running-app.ts';

const running: RunningApp[] = [];

async function start(routes: readonly Route[], options?: Options): Promise<RunningApp> {
  const one = await startApp(routes, options);
  running.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close({ deadlineMs: 100 })));
});

const echo = route({
  method: 'post',
  path: '/projects/:project/things',
  summary: 'Says what came',
  access: 'write',
  params: z.strictObject({ project: z.string().max(50) }),
  query: z.strictObject({ limit: z.coerce.number().int().max(10).default(5) }),
  body: z.strictObject({ name: z.string(), sizes: z.array(z.strictObject({ width: z.number() })).optional() }),
  multipart: true,
  handle: ({ params, query, body, files, caller, requestId }) =>
    Promise.resolve({
      status: 201,
      headers: { 'x-extra': 'yes' },
      json: {
        params,
        query,
        body,
        files: [...files].map(([name, all]) => [name, all.map((one) => one.byteLength)]),
        caller: caller.name,
        requestId,
      },
    }),
});

function failing(make: () => unknown, more: Partial<Route> = {}): Route {
  return route({ method: 'get', path: '/fail', summary: 'Fails', access: 'read', handle: () => Promise.reject(make() as Error), ...more });
}

describe('a request', () => {
  it('is parsed by its schemas and answered as JSON', async () => {
    const { url } = await start([echo]);
    const answer = await fetch(`${url}/v1/projects/a%2Fb/things?limit=3`, {
      method: 'POST',
      headers: { ...JSON_BODY, 'x-request-id': 'mine-1' },
      body: '{"name":"é"}',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('x-extra')).toBe('yes');
    expect(answer.headers.get('x-request-id')).toBe('mine-1');
    expect(await answer.json()).toEqual({
      params: { project: 'a/b' },
      query: { limit: 3 },
      body: { name: 'é' },
      files: [],
      caller: 'tester',
      requestId: 'mine-1',
    });
  });

  it('may be a multipart form with files', async () => {
    const { url } = await start([echo]);
    for (const text of ['{"name":"x"}', new Blob(['{"name":"x"}'], { type: 'application/json' })]) {
      const form = new FormData();
      form.append('request', text);
      form.append('one', new Blob([new Uint8Array(3_000_000)]), '../../etc/passwd');
      form.append('two', new Blob([new Uint8Array(5)]));
      form.append('two', new Blob([]));
      const answer = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers: AUTHORIZED, body: form });
      expect(await answer.json()).toMatchObject({
        body: { name: 'x' },
        files: [
          ['one', [3_000_000]],
          ['two', [5, 0]],
        ],
      });
    }
  });

  it('lists every field that is wrong: where, what was expected, what came', async () => {
    const { url } = await start([echo]);
    const body = JSON.stringify({ name: 7, sizes: [{ width: 1 }, { width: 'wide', height: 2 }], secret: 'x' });
    const answer = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers: JSON_BODY, body });
    expect(answer.status).toBe(400);
    const { code, message } = await errorOf(answer);
    expect(code).toBe('REQUEST_INVALID');
    expect(message).toContain('name: expected string, got 7');
    expect(message).toContain('sizes[1].width: expected number, got "wide"');
    expect(message).toContain('sizes[1]: unknown field height');
    expect(message).toContain('unknown field secret');
    const query = await fetch(`${url}/v1/projects/p/things?limit=11`, { method: 'POST', headers: JSON_BODY, body: '{"name":"x"}' });
    expect((await errorOf(query)).message).toMatch(/^The query of the request.*limit: .*<=10, got "11"/);
    const path = await fetch(`${url}/v1/projects/${'p'.repeat(51)}/things`, { method: 'POST', headers: JSON_BODY, body: '{"name":"x"}' });
    expect((await errorOf(path)).message).toMatch(/^The path of the request.*project: .*got a text of 51 characters/);
  });

  it.each([
    ['broken JSON', '{"name":', { ...JSON_BODY }, 400, 'REQUEST_INVALID'],
    ['bytes that are no text', Buffer.from([0x22, 0xff, 0x22]), { ...JSON_BODY }, 400, 'REQUEST_INVALID'],
    ['nothing', undefined, { ...JSON_BODY }, 400, 'REQUEST_INVALID'],
    ['a form', 'name=x', { ...AUTHORIZED, 'content-type': 'application/x-www-form-urlencoded' }, 415, 'REQUEST_UNSUPPORTED'],
    ['no content type', Buffer.from('{}'), { ...AUTHORIZED }, 415, 'REQUEST_UNSUPPORTED'],
    ['a packed body', '{}', { ...JSON_BODY, 'content-encoding': 'gzip' }, 415, 'REQUEST_UNSUPPORTED'],
    ['a form without a boundary', 'x', { ...AUTHORIZED, 'content-type': 'multipart/form-data' }, 400, 'REQUEST_INVALID'],
    [
      'a form cut short',
      '--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\nxx',
      { ...AUTHORIZED, 'content-type': 'multipart/form-data; boundary=b' },
      400,
      'REQUEST_INVALID',
    ],
    [
      'a form with other fields',
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nxx\r\n--b--\r\n',
      { ...AUTHORIZED, 'content-type': 'multipart/form-data; boundary=b' },
      400,
      'REQUEST_INVALID',
    ],
  ])('with %s is refused', async (_, body, headers, status, code) => {
    const { url } = await start([echo]);
    const answer = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
    expect([answer.status, (await errorOf(answer)).code]).toEqual([status, code]);
  });

  it('does not get its text repeated when it is no JSON', async () => {
    const { url } = await start([echo]);
    const answer = await fetch(`${url}/v1/projects/p/things`, { method: 'POST', headers: JSON_BODY, body: '{"name": hunter2}' });
    expect(await answer.text()).not.toContain('hunter2');
  });

  it('to nowhere gets 404, with the wrong method 405 and what is allowed', async () => {
    const { url } = await start([echo, failing(() => new Error('x'))]);
    const nowhere = await fetch(`${url}/v1/nowhere`, { headers: { 'x-request-id': 'r' } });
    expect([nowhere.status, await errorOf(nowhere)]).toEqual([
      404,
      expect.objectContaining({ code: 'ROUTE_NOT_FOUND', requestId: 'r', hint: expect.stringContaining('openapi') as string }),
    ]);
    const wrong = await fetch(`${url}/v1/projects/p/things`, { method: 'DELETE', headers: AUTHORIZED });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    const options = await fetch(`${url}/v1/projects/p/things`, { method: 'OPTIONS' });
    expect([options.headers.get('allow'), options.headers.get('access-control-allow-origin')]).toEqual(['POST', null]);
    const path = await fetch(`${url}/v1/projects/%E0%A4%A/things`, { method: 'POST', headers: JSON_BODY, body: '{}' });
    expect([path.status, (await errorOf(path)).code]).toEqual([400, 'REQUEST_INVALID']);
  });

  it('keeps a harmless request id and replaces any other', async () => {
    const { port } = await start([echo]);
    const ask = async (id: string): Promise<string> => {
      const { text, socket } = await sendRaw(port, `GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id}\r\n\r\n`);
      socket.destroy();
      return text;
    };
    expect(await ask('abc.1_2:3-4')).toContain('x-request-id: abc.1_2:3-4\r\n');
    for (const id of ['a b', '<script>', 'x'.repeat(65), 'a;b', 'é', '-']) {
      const text = await ask(id);
      expect(text).toMatch(/x-request-id: [0-9a-f]{8}-[0-9a-f-]{27}\r\n/);
    }
    // A line break in it does not even parse as a header that could be echoed.
    const split = await ask('a\r\nSet-Cookie: owned=1');
    expect(split.toLowerCase()).not.toContain('set-cookie');
    expect((await ask('a\nX-Evil: 1')).toLowerCase()).not.toContain('x-evil');
    expect((await ask('a\rX-Evil: 1')).toLowerCase()).not.toContain('x-evil');
  });
});

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
      const answer = await fetch(`${url}/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
      const { code, message } = await errorOf(answer);
      return [answer.status, code, message];
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
      const answer = await fetch(`${url}/v1/${path}`, { headers: AUTHORIZED });
      expect([answer.status, (await errorOf(answer)).code]).toEqual([504, 'DEADLINE_EXCEEDED']);
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
