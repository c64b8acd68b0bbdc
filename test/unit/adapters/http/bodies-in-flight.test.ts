/** Memory before identity: what the head can tell is told before a byte of the body is read, and all bodies together stay within a budget. */
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createBodyBudget, type BodyBudget } from '../../../../src/adapters/http/body/body-budget.ts';
import type { GuardOptions } from '../../../../src/adapters/http/guard.ts';
import { createMetrics } from '../../../../src/adapters/http/metrics.ts';
import { route } from '../../../../src/adapters/http/route.ts';
import { signBody } from '../../../../src/adapters/http/signature.ts';
import { sendRaw, startApp, TOKEN, type Options, type RunningApp } from './running-app.ts';

const SECRET = 'a secret of some length';
const READER = 'another secret, for reading';
const GUARD: GuardOptions = {
  tokens: [{ name: 'tester', token: TOKEN, access: 'admin' }],
  hmac: [
    { name: 'signer', secret: SECRET, bodyOnly: true, projects: ['mine'] },
    { name: 'reader', secret: READER, bodyOnly: true, access: 'read' },
  ],
};
const LARGE = 90_000_000;

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** Handlers that wait until they are told to end. */
let waiting: (() => void)[] = [];
const taken: number[] = [];
const common = { method: 'post', access: 'write', summary: 'x', maxBodyBytes: 256 * 2 ** 20 } as const;
const routes = [
  route({
    ...{ ...common, path: '/take', rawBody: true },
    handle: ({ rawBody }) => {
      taken.push(rawBody?.byteLength ?? -1);
      return Promise.resolve({ json: {} });
    },
  }),
  route({ ...common, path: '/json', body: z.object({ project: z.string() }), handle: () => Promise.resolve({ json: {} }) }),
  route({ ...common, path: '/of/:project', rawBody: true, handle: () => Promise.resolve({ json: {} }) }),
  route({ ...common, path: '/boss', access: 'admin', rawBody: true, handle: () => Promise.resolve({ json: {} }) }),
  route({ ...common, path: '/fail', rawBody: true, handle: () => Promise.reject(new Error('of the handler')) }),
  route({
    ...{ ...common, path: '/wait', rawBody: true, deadlineMs: 0 },
    handle: () => new Promise((resolve) => waiting.push(() => resolve({ json: {} }))),
  }),
  route({ ...common, path: '/late', rawBody: true, deadlineMs: 50, handle: () => new Promise(() => undefined) }),
  route({ ...common, method: 'get', path: '/list', access: 'read', handle: () => Promise.resolve({ json: {} }) }),
];

interface Started extends RunningApp {
  bodies: BodyBudget;
}

async function start(limit?: number, options: Options = {}): Promise<Started> {
  [waiting, taken.length] = [[], 0];
  const bodies = createBodyBudget(limit);
  const app = await startApp(routes, { guard: GUARD, bodies, ...options });
  ended.push(() => app.close({ deadlineMs: 100 }));
  return { ...app, bodies };
}

const AUTHORIZED = `Authorization: Bearer ${TOKEN}`;
const signed = (value: string): string => `X-Prosam-Signature: ${value}`;
/** Well formed, and of now: only the body could tell that it is nobody's. */
const forged = (): string => signed(`t=${Date.now()},v1=${'0'.repeat(64)}`);
const head = (path: string, ...more: string[]): string => [`POST /v1${path} HTTP/1.1`, 'Host: x', ...more, '', ''].join('\r\n');

/** Sends what is given and keeps the connection; the answer where there is one. */
async function ask(port: number, text: string): Promise<{ status: number; text: string; socket: Socket }> {
  const response = await sendRaw(port, text, { until: /\r\n\r\n[^]*\}$/ });
  ended.push(() => void response.socket.destroy());
  return { ...response, status: Number(/^HTTP\/1\.1 (\d+)/.exec(response.text)?.[1] ?? 0) };
}

/** A request whose body does not come. */
async function announce({ port, bodies }: Started, text: string, bytes: number): Promise<Socket> {
  const before = bodies.held();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  ended.push(() => void socket.destroy());
  socket.write(text);
  await expect.poll(() => bodies.held()).toBe(before + bytes);
  return socket;
}

describe('the head of a request', () => {
  it('with a junk signature is refused twelve times before a byte of twelve large bodies was sent', async () => {
    const app = await start();
    const asked = Array.from({ length: 12 }, () => ask(app.port, head('/take', signed('junk'), `Content-Length: ${LARGE}`)));
    const responses = await Promise.all(asked);
    expect(responses.map(({ status }) => status)).toEqual(Array(12).fill(401));
    expect(responses.every(({ text }) => text.includes('"UNAUTHORIZED"'))).toBe(true);
    expect([app.bodies.held(), taken]).toEqual([0, []]);
  });

  it.each([
    ['too old', () => signed(`t=${Date.now() - 301_000},v1=${'0'.repeat(64)}`)],
    ['too early', () => signed(`t=${Date.now() + 400_000},v1=${'0'.repeat(64)}`)],
    ['in seconds', () => signed(`t=${Math.round(Date.now() / 1000)},v1=${'0'.repeat(64)}`)],
    ['too short', () => signed(`t=${Date.now()},v1=${'0'.repeat(63)}`)],
    ['not hexadecimal', () => signed(`t=${Date.now()},v1=${'g'.repeat(64)}`)],
    ['of another scheme', () => signed(`t=${Date.now()},v3=${'0'.repeat(64)}`)],
    ['of two', () => signed(`t=${Date.now()},v1=${'0'.repeat(64)},v1=${'1'.repeat(64)}`)],
    ['empty', () => signed('')],
    ['beside a wrong token', () => `${forged()}\r\nAuthorization: Bearer wrong`],
  ])('with a signature %s is refused without its body', async (_what, header) => {
    const app = await start();
    const { status } = await ask(app.port, head('/take', header(), `Content-Length: ${LARGE}`));
    expect([status, app.bodies.held()]).toEqual([401, 0]);
  });

  it('with a signature that was used before is refused without its body', async () => {
    const app = await start();
    const signature = signed(signBody(SECRET, 'once', Date.now()));
    expect((await ask(app.port, `${head('/take', signature, 'Content-Length: 4')}once`)).status).toBe(200);
    expect((await ask(app.port, head('/take', signature, 'Content-Length: 4'))).status).toBe(401);
  });

  it('with a good signature of no body at all opens a route that reads none', async () => {
    const app = await start();
    const list = (header: string): string => head('/list', header).replace('POST', 'GET');
    expect((await ask(app.port, list(signed(signBody(READER, '', Date.now()))))).status).toBe(200);
    expect((await ask(app.port, list(forged()))).status).toBe(401);
  });

  it.each([
    ['more access than any secret has', head('/boss', `Content-Length: ${LARGE}`), 403],
    ['a project that no secret with that access may use', head('/of/theirs', `Content-Length: ${LARGE}`), 403],
    ['more than the route takes', head('/take', 'Content-Length: 900000000'), 413],
    ['more than signed bodies may have in memory', head('/take', 'Content-Length: 200000000'), 413],
    ['a body for a route that reads none', head('/list', 'Content-Length: 70000').replace('POST', 'GET'), 413],
    ['a compressed body', head('/take', 'Content-Encoding: gzip', `Content-Length: ${LARGE}`), 415],
    ['another type', head('/json', 'Content-Type: text/plain', `Content-Length: ${LARGE}`), 415],
    ['a path that does not exist', head('/nowhere', `Content-Length: ${LARGE}`), 404],
    ['a method that does not exist', head('/list', `Content-Length: ${LARGE}`), 405],
  ])('that is signed and asks for %s is refused without its body', async (_what, text, wanted) => {
    const app = await start();
    const { status } = await ask(app.port, text.replace('Host: x', `Host: x\r\n${forged()}`));
    expect([status, app.bodies.held()]).toEqual([wanted, 0]);
  });

  it('that waits for a word before its body gets one where the body is expected, and none where it is refused', async () => {
    const app = await start(1000);
    const wanted = head('/take', AUTHORIZED, 'Expect: 100-continue', 'Content-Length: 4');
    const { text, socket } = await sendRaw(app.port, wanted, { until: /\r\n\r\n/ });
    ended.push(() => void socket.destroy());
    expect(text).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    const answered = new Promise<string>((resolve) => socket.once('data', (more) => resolve(String(more))));
    socket.write('four');
    expect(await answered).toMatch(/^HTTP\/1\.1 200/);
    for (const [header, bytes, status] of [
      [signed('junk'), 4, 401],
      [AUTHORIZED, 1001, 413],
      [AUTHORIZED, 900, 503],
    ] as const) {
      if (status === 503) await announce(app, head('/take', AUTHORIZED, 'Content-Length: 500'), 500);
      const refused = await ask(app.port, head('/take', header, 'Expect: 100-continue', `Content-Length: ${bytes}`));
      expect([refused.status, refused.text.includes('100 Continue')]).toEqual([status, false]);
    }
    expect((await ask(app.port, head('/list', AUTHORIZED, 'Expect: 100-continue').replace('POST', 'GET'))).text).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('bodies in flight', () => {
  it('beyond the budget are refused with 503 while everything else is answered, and taken again afterwards', async () => {
    const app = await start(1000);
    const idle = await announce(app, head('/take', AUTHORIZED, 'Content-Length: 800'), 800);
    const refused = await ask(app.port, head('/take', AUTHORIZED, 'Content-Length: 300'));
    expect([refused.status, /retry-after: 1/i.test(refused.text), refused.text.includes('"SERVICE_BUSY"')]).toEqual([503, true, true]);
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
    expect((await fetch(`${app.url}/v1/list`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    // What still fits is taken.
    expect((await ask(app.port, `${head('/take', AUTHORIZED, 'Content-Length: 200')}${'x'.repeat(200)}`)).status).toBe(200);
    idle.write('x'.repeat(800));
    await expect.poll(() => app.bodies.held()).toBe(0);
    expect((await ask(app.port, `${head('/take', AUTHORIZED, 'Content-Length: 300')}${'x'.repeat(300)}`)).status).toBe(200);
    expect(taken).toEqual([200, 800, 300]);
  });

  it('count as they come where nothing was announced', async () => {
    const app = await start(1000);
    const chunk = `${(400).toString(16)}\r\n${'x'.repeat(400)}\r\n`;
    const socket = await announce(app, head('/take', AUTHORIZED, 'Transfer-Encoding: chunked') + chunk, 400);
    const second = await announce(app, head('/take', AUTHORIZED, 'Transfer-Encoding: chunked') + chunk, 400);
    const answered = new Promise<string>((resolve) => second.once('data', (text) => resolve(String(text))));
    second.write(chunk);
    expect(await answered).toMatch(/^HTTP\/1\.1 503 /);
    await expect.poll(() => app.bodies.held()).toBe(400);
    socket.write(`${chunk}0\r\n\r\n`);
    await expect.poll(() => app.bodies.held()).toBe(0);
    expect(taken).toEqual([800]);
  });

  it('are held as long as their handler works on them', async () => {
    const app = await start(1000);
    const first = ask(app.port, `${head('/wait', AUTHORIZED, 'Content-Length: 800')}${'x'.repeat(800)}`);
    await expect.poll(() => waiting.length).toBe(1);
    expect([app.bodies.held(), (await ask(app.port, head('/take', AUTHORIZED, 'Content-Length: 300'))).status]).toEqual([800, 503]);
    waiting.forEach((end) => end());
    expect((await first).status).toBe(200);
    expect(app.bodies.held()).toBe(0);
  });

  it('are given back in every ending', async () => {
    const app = await start(1000, { limits: { bodyTimeoutMs: 400, bodyIdleMs: 200 } });
    const whole = (path: string): string => `${head(path, AUTHORIZED, 'Content-Length: 800')}${'x'.repeat(800)}`;
    const gone = await announce(app, head('/take', AUTHORIZED, 'Content-Length: 800'), 800);
    gone.destroy();
    await expect.poll(() => app.bodies.held()).toBe(0);
    const silent = await ask(app.port, `${head('/take', AUTHORIZED, 'Content-Length: 800')}some`);
    expect([silent.status, silent.text.includes('without a pause')]).toEqual([408, true]);
    expect(app.bodies.held()).toBe(0);
    for (const [text, status] of [
      [whole('/fail'), 500],
      [whole('/json').replace('Host: x', 'Host: x\r\nContent-Type: application/json'), 400],
      [whole('/late'), 504],
    ] as const) {
      expect((await ask(app.port, text)).status).toBe(status);
      await expect.poll(() => app.bodies.held()).toBe(0);
    }
    const left = connect(app.port, '127.0.0.1');
    left.on('error', () => undefined).write(whole('/wait'));
    await expect.poll(() => waiting.length).toBe(1);
    left.destroy();
    await expect.poll(() => app.bodies.held()).toBe(0);
    await announce(app, head('/take', AUTHORIZED, 'Content-Length: 800'), 800);
    await app.close({ deadlineMs: 0 });
    expect(app.bodies.held()).toBe(0);
  });

  it('of strangers have a part of the budget only, whatever they announce', async () => {
    const app = await start(1000);
    await announce(app, head('/take', forged(), 'Content-Length: 200'), 200);
    expect((await ask(app.port, head('/take', forged(), 'Content-Length: 100'))).status).toBe(503);
    expect((await ask(app.port, head('/take', forged(), 'Content-Length: 300'))).status).toBe(413);
    expect((await ask(app.port, `${head('/take', AUTHORIZED, 'Content-Length: 800')}${'x'.repeat(800)}`)).status).toBe(200);
  });

  it('leave that part once they are proved', async () => {
    const app = await start(1000);
    const body = 'x'.repeat(240);
    for (let at = 0; at < 3; at++) {
      const signature = signed(signBody(SECRET, body, Date.now() + at));
      void ask(app.port, `${head('/wait', signature, `Content-Length: ${body.length}`)}${body}`);
      await expect.poll(() => waiting.length).toBe(at + 1);
    }
    expect(app.bodies.held()).toBe(720);
    waiting.forEach((end) => end());
    await expect.poll(() => app.bodies.held()).toBe(0);
    expect((await ask(app.port, `${head('/take', forged(), 'Content-Length: 4')}four`)).status).toBe(401);
    expect(app.bodies.held()).toBe(0);
  });

  it('that nobody reads do not count: without a route, or for one that takes none', async () => {
    const app = await start(1000);
    const unread = [
      head('/nowhere', AUTHORIZED, 'Content-Length: 5000'),
      head('/list', AUTHORIZED, 'Content-Length: 5000').replace('POST', 'GET'),
      head('/list', AUTHORIZED, 'Content-Length: 5000').replace('POST', 'HEAD'),
    ];
    const sockets = unread.map((text) => {
      const socket = connect(app.port, '127.0.0.1').on('error', () => undefined);
      socket.write(text);
      ended.push(() => void socket.destroy());
      return new Promise<string>((resolve) => socket.once('data', (response) => resolve(String(response))));
    });
    const statuses = (await Promise.all(sockets)).map((text) => text.slice(9, 12));
    expect([statuses, app.bodies.held()]).toEqual([['404', '200', '200'], 0]);
  });

  it('of one connection that does not wait for answers count each', async () => {
    const app = await start(1000);
    const one = `${head('/wait', AUTHORIZED, 'Content-Length: 400')}${'x'.repeat(400)}`;
    const three = sendRaw(app.port, one.repeat(3), { until: /HTTP\/1\.1 503 [^]*\}$/ });
    await expect.poll(() => waiting.length).toBe(2);
    expect(app.bodies.held()).toBe(800);
    waiting.forEach((end) => end());
    const { text, socket } = await three;
    socket.destroy();
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '200', '503']);
    expect(app.bodies.held()).toBe(0);
  });

  it('are shown among the figures', async () => {
    const metrics = createMetrics();
    ended.push(() => metrics.close());
    const app = await start(1000, { metrics, metricsAccess: 'open' });
    await announce(app, head('/take', AUTHORIZED, 'Content-Length: 300'), 300);
    await announce(app, head('/take', forged(), 'Content-Length: 100'), 100);
    const text = await (await fetch(`${app.url}/metrics`)).text();
    for (const [state, bytes] of Object.entries({ held: 400, unproved: 100, limit: 1000 }))
      expect(text).toContain(`prosam_http_body_bytes{state="${state}"} ${bytes}`);
  });
});
