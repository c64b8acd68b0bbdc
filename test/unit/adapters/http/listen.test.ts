/** Event streams, and how a service ends: people finish what they began, nobody else starts. */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createGuard } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../../src/adapters/http/http-app.ts';
import { listen } from '../../../../src/adapters/http/listen.ts';
import { route, type ServerEvent } from '../../../../src/adapters/http/route.ts';
import { AUTHORIZED, errorOf, sendRaw, startApp, TOKEN, type Options, type RunningApp } from './running-app.ts';

const running: RunningApp[] = [];
let signals: AbortSignal[] = [];
let ended = 0;

const slow = route({
  method: 'get',
  path: '/slow/:ms',
  summary: 'x',
  access: 'read',
  handle: async ({ params, signal }) => {
    signals.push(signal);
    await wait(Number((params as { ms: string }).ms), undefined, { signal });
    return { json: { done: true } };
  },
});

function events(make: (signal: AbortSignal) => AsyncIterable<ServerEvent>): ReturnType<typeof route> {
  return route({
    method: 'get',
    path: '/events',
    summary: 'x',
    access: 'read',
    deadlineMs: 0,
    handle: ({ signal }) => {
      signals.push(signal);
      return Promise.resolve({ events: make(signal) });
    },
  });
}

/** Events for ever, every few milliseconds. */
async function* ticking(): AsyncGenerator<ServerEvent> {
  try {
    for (let i = 0; ; i++) {
      yield { event: 'tick', data: { i }, id: String(i) };
      await wait(10);
    }
  } finally {
    ended += 1;
  }
}

/** Nothing for ever; ends only when told. */
async function* waiting(signal: AbortSignal): AsyncGenerator<ServerEvent> {
  try {
    await wait(1_000_000, undefined, { signal });
    yield { event: 'never', data: 0 };
  } finally {
    ended += 1;
  }
}

async function start(routes: Parameters<typeof startApp>[0], options?: Options): Promise<RunningApp> {
  signals = [];
  ended = 0;
  const one = await startApp(routes, options);
  running.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close({ deadlineMs: 0 })));
});

const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;

describe('an event stream', () => {
  it('arrives event by event, and ends with its source', async () => {
    async function* three(): AsyncGenerator<ServerEvent> {
      yield { event: 'first\nevent: forged', data: { text: 'a\nb' }, id: '1\r\n\r\n' };
      await wait(50);
      yield { event: 'second', data: null };
    }
    const { url } = await start([events(three)]);
    const response = await fetch(`${url}/v1/events`, { headers: AUTHORIZED });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const pieces: string[] = [];
    for await (const piece of (response.body as ReadableStream<Uint8Array>).pipeThrough(
      new TextDecoderStream(),
    ) as unknown as AsyncIterable<string>)
      pieces.push(piece);
    expect(pieces).toEqual(['event: first event: forged\nid: 1    \ndata: {"text":"a\\nb"}\n\n', 'event: second\ndata: null\n\n']);
  });

  it('shows signs of life while nothing happens', async () => {
    const { port } = await start([events(waiting)], { limits: { heartbeatMs: 30 } });
    const { text, socket } = await sendRaw(port, ask('/v1/events'), { until: /(: still here\n\n[^]*){2}/ });
    socket.destroy();
    expect(text.match(/: still here/g)?.length).toBeGreaterThan(1);
  });

  it.each([
    ['that ticks', ticking],
    ['that waits', waiting],
  ])('%s ends when nobody listens any more', async (_, make) => {
    const { port } = await start([events(make)]);
    const { socket } = await sendRaw(port, ask('/v1/events'), { until: /text\/event-stream/ });
    socket.destroy();
    await expect.poll(() => ended).toBe(1);
    expect(signals[0]?.aborted).toBe(true);
  });

  it('that fails in the middle breaks off, and the log knows', async () => {
    async function* failing(): AsyncGenerator<ServerEvent> {
      yield { event: 'one', data: 1 };
      await wait(20);
      throw new Error('the source broke');
    }
    const { url, log } = await start([events(failing)]);
    await expect(fetch(`${url}/v1/events`, { headers: AUTHORIZED }).then((response) => response.text())).rejects.toThrow();
    await expect.poll(() => log.some(({ level, message }) => level === 'error' && message.includes('the source broke'))).toBe(true);
  });
});

describe('closing', () => {
  it('lets answers in progress finish, ends streams, and refuses new requests', async () => {
    let letGo = (): void => undefined;
    const freed = new Promise<void>((resolve) => (letGo = resolve));
    const handle = async ({ signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      await freed;
      return { json: { done: true } };
    };
    const held = route({ method: 'get', path: '/held', summary: 'x', access: 'read', handle });
    const one = await start([slow, held, events(waiting)]);
    const asked = fetch(`${one.url}/v1/held`, { headers: AUTHORIZED });
    const kept = connect(one.port, '127.0.0.1');
    let said = '';
    kept.setEncoding('utf8').on('data', (piece: string) => (said += piece));
    kept.write(ask('/v1/held'));
    const stream = await fetch(`${one.url}/v1/events`, { headers: AUTHORIZED });
    while (signals.length < 3) await wait(5);
    const closing = one.close({ deadlineMs: 3_600_000 });
    // On a connection that is still busy another request may come in.
    kept.write(ask('/v1/slow/0'));
    expect(await stream.text()).toBe('');
    await wait(50); // the other request lies in this process's own socket by then
    letGo();
    expect(await (await asked).json()).toEqual({ done: true });
    await closing;
    expect(said).toContain('{"done":true}');
    expect(said).toMatch(/SERVICE_CLOSING/);
    await expect(fetch(`${one.url}/health`)).rejects.toThrow();
    expect(ended).toBe(1);
  });

  it('does not wait for connections that ask nothing', async () => {
    const one = await start([slow]);
    const silent = connect(one.port, '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    const halfway = connect(one.port, '127.0.0.1');
    halfway.write('GET /health HTTP/1.1\r\nHost:');
    // Kept alive by its client after an answer.
    await (await fetch(`${one.url}/health`)).text();
    silent.on('error', () => undefined);
    halfway.on('error', () => undefined);
    await wait(50);
    // Longer than a test may take.
    await one.close({ deadlineMs: 3_600_000 });
  });

  it('refuses what is not done by the deadline, with an answer', async () => {
    let asks = 0;
    const handle = () => {
      asks++;
      return new Promise<never>(() => undefined);
    };
    const deaf = route({ method: 'get', path: '/deaf', summary: 'x', access: 'read', handle });
    const one = await start([slow, deaf]);
    const asked = ['slow/3600000', 'deaf'].map((path) => fetch(`${one.url}/v1/${path}`, { headers: AUTHORIZED }));
    while (signals.length < 1 || asks < 1) await wait(5);
    await one.close({ deadlineMs: 200 });
    for (const response of await Promise.all(asked)) {
      expect([response.status, (await errorOf(response)).code]).toEqual([503, 'SERVICE_CLOSING']);
    }
    expect(signals[0]?.aborted).toBe(true);
  });

  it('can be asked for twice', async () => {
    const one = await start([]);
    await Promise.all([one.close({ deadlineMs: 100 }), one.close({ deadlineMs: 100 })]);
  });
});

describe('listening', () => {
  it('says why it cannot', async () => {
    const one = await start([]);
    const app = createHttpApp({ guard: createGuard({}) });
    await expect(listen(app, { host: '127.0.0.1', port: one.port })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(String(one.port)) as string,
    });
  });

  it('wants limits that make sense', () => {
    const make = (limits: Record<string, number>): unknown => createHttpApp({ guard: createGuard({}), limits });
    expect(() => make({ maxBodyBytes: 0 })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    expect(() => make({ deadlineMs: NaN })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    expect(() => make({ deadlineMs: 0 })).not.toThrow();
  });
});
