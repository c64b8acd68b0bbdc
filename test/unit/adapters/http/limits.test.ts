/** Too much, too slow, too deep: what one client sends must not hold up the others. Real sockets, short limits. */
import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createJsonWatch, DEFAULT_JSON_LIMITS } from '../../../../src/adapters/http/body/json-structure.ts';
import { parseJson } from '../../../../src/adapters/http/body/parse-json.ts';
import { route } from '../../../../src/adapters/http/route.ts';
import { errorOf, JSON_BODY, sendRaw, startApp, TOKEN, type Options, type RunningApp } from './running-app.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';
import { onThisMachine, processorTime } from '../../../support/busy-watch.ts';

const running: RunningApp[] = [];
const bodies: unknown[] = [];
let url: Promise<string> | undefined;

const take = route({
  method: 'post',
  path: '/take',
  summary: 'x',
  access: 'write',
  body: z.unknown(),
  multipart: true,
  handle: ({ body }) => {
    bodies.push(body);
    return Promise.resolve({ json: {} });
  },
});
const small = route({ ...take, path: '/small', maxBodyBytes: 100 });
const bodyless = route({ method: 'post', path: '/bodyless', summary: 'x', access: 'write', handle: () => Promise.resolve({ json: {} }) });
async function start(options?: Options): Promise<RunningApp> {
  bodies.length = 0;
  const one = await startApp([take, small, bodyless], options);
  running.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close({ deadlineMs: 100 })));
});

const head = (path: string, ...more: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${TOKEN}`, 'Content-Type: application/json', ...more, '', ''].join('\r\n');

describe('a body that is too large', () => {
  it('is refused by what it declares, before any of it came', async () => {
    const { port } = await start({ limits: { maxBodyBytes: 1000 } });
    const { text, socket } = await sendRaw(port, head('/v1/take', 'Content-Length: 1001'));
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*"REQUEST_TOO_LARGE"/);
  });

  it('is refused in the middle where it declares nothing, and the connection ends', async () => {
    const { port } = await start({ limits: { maxBodyBytes: 1000 } });
    const chunk = `${(600).toString(16)}\r\n${' '.repeat(600)}\r\n`;
    const { text, socket } = await sendRaw(port, head('/v1/take', 'Transfer-Encoding: chunked') + chunk + chunk);
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*"REQUEST_TOO_LARGE"/);
    // Whoever goes on sending is cut off.
    const more = setInterval(() => socket.write(chunk), 20);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(more);
    expect(bodies).toEqual([]);
  });

  it('still gets its answer read by an ordinary client that sends megabytes', async () => {
    const { url } = await start({ limits: { maxBodyBytes: 1000 } });
    const answer = await fetch(`${url}/v1/take`, { method: 'POST', headers: JSON_BODY, body: `"${'x'.repeat(8_000_000)}"` });
    expect([answer.status, (await errorOf(answer)).code]).toEqual([413, 'REQUEST_TOO_LARGE']);
  });

  it('has the limit of its route', async () => {
    const { url } = await start();
    const send = (path: string, length: number): Promise<Response> =>
      fetch(`${url}/v1/${path}`, { method: 'POST', headers: JSON_BODY, body: `"${'x'.repeat(length - 2)}"` });
    expect((await send('small', 100)).status).toBe(200);
    expect((await send('small', 101)).status).toBe(413);
    expect((await send('take', 101)).status).toBe(200);
  });

  it('is cut off where no body was expected at all', async () => {
    const { port } = await start();
    const chunk = `${(60000).toString(16)}\r\n${' '.repeat(60000)}\r\n`;
    const { text, socket } = await sendRaw(port, head('/v1/bodyless', 'Transfer-Encoding: chunked') + chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    const more = setInterval(() => socket.write(chunk), 50);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(more);
  });

  it('does not get past the head either', async () => {
    const { port } = await start();
    const { text } = await sendRaw(port, `GET /health HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*"REQUEST_TOO_LARGE"/);
  });

  it('needs credentials first', async () => {
    const { port } = await start();
    const { text, socket } = await sendRaw(
      port,
      'POST /v1/take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n',
    );
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 401/);
  });
});

describe('a slow client', () => {
  it('that trickles its body gets 408 when the time is over', async () => {
    const { port } = await start({ limits: { bodyTimeoutMs: 400 } });
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    socket.on('error', () => undefined);
    socket.write(head('/v1/take', 'Content-Length: 1000'));
    const trickle = setInterval(() => socket.write(' '), 30);
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 408 [^]*"REQUEST_TIMEOUT"/);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);
    expect(bodies).toEqual([]);
  });

  it('that trickles its head gets 408 too', async () => {
    const { port } = await start({ listen: { headersTimeoutMs: 300 } });
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    socket.on('error', () => undefined);
    socket.write('POST /v1/take HTTP/1.1\r\n');
    const trickle = setInterval(() => socket.write('X-A: b\r\n'), 30);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);
    expect(text).toMatch(/^HTTP\/1\.1 408 [^]*"REQUEST_TIMEOUT"/);
  });

  it('that says nothing, or nonsense, is let go', async () => {
    const { port } = await start({ listen: { headersTimeoutMs: 300 } });
    const said = await sendRaw(port, '');
    if (!said.socket.closed) await new Promise((resolve) => said.socket.once('close', resolve));
    const patient = await start();
    expect((await sendRaw(patient.port, 'EHLO there\r\n\r\n')).text).toMatch(/^HTTP\/1\.1 400 [^]*"REQUEST_INVALID"/);
  });

  it('that breaks off its body leaves nothing behind', async () => {
    const { port, log } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.write(head('/v1/take', 'Content-Length: 1000'));
    await wait(50);
    socket.destroy();
    await expect.poll(() => log.length).toBe(1);
    expect(log[0]?.fields.status).toBe(499);
    expect(bodies).toEqual([]);
  });
});

describe('many clients', () => {
  it('beyond the limit are turned away, and served once others left', async () => {
    const { port, url } = await start({ listen: { maxConnections: 3 } });
    const sockets = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((one) => new Promise((resolve) => one.once('connect', resolve))));
    await wait(50);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    sockets.forEach((one) => one.destroy());
    await expect.poll(() => fetch(`${url}/health`).then(({ status }) => status, () => 0)).toBe(200); // prettier-ignore
  });
});

describe('JSON that would hold up everybody', () => {
  it.each([
    ['numbers', `[${'1,'.repeat(DEFAULT_JSON_LIMITS.parts)}1]`],
    ['brackets in brackets', `${'['.repeat(65)}${']'.repeat(65)}`],
    ['empty lists', `[${'[],'.repeat(100_000)}[]]`],
    ['keys', `{${Array.from({ length: 70_000 }, (_, i) => `"${i}":1`).join(',')}}`],
    ['escapes', `"${'\\n'.repeat(DEFAULT_JSON_LIMITS.otherBytes / 2)}"`],
    ['digits', '1'.repeat(DEFAULT_JSON_LIMITS.otherBytes + 1)],
  ])('(%s) is refused before it is parsed', async (_, body) => {
    const { url } = await start();
    const answer = await fetch(`${url}/v1/take`, { method: 'POST', headers: JSON_BODY, body });
    expect([answer.status, (await errorOf(answer)).code]).toEqual([413, 'REQUEST_TOO_LARGE']);
    const form = new FormData();
    form.append('request', new Blob([body]));
    const inForm = await fetch(`${url}/v1/take`, { method: 'POST', headers: { authorization: JSON_BODY.authorization }, body: form });
    expect([inForm.status, (await errorOf(inForm)).code]).toEqual([413, 'REQUEST_TOO_LARGE']);
    expect(bodies).toEqual([]);
  });

  it('is told by its structure alone, however it is cut into pieces', () => {
    const partsOf = (text: string): number => {
      const bare = text.replace(/"(?:[^"\\]|\\.)*"/gs, '""');
      const of = (pattern: RegExp): number => bare.match(pattern)?.length ?? 0;
      return of(/,/g) + 2 * of(/[:[{]/g);
    };
    const property = fc.property(fc.json({ stringUnit: 'binary' }), fc.integer({ min: 1, max: 7 }), (text, size) => {
      const bytes = Buffer.from(text);
      const passes = (limits: Partial<typeof DEFAULT_JSON_LIMITS>): boolean => {
        const watch = createJsonWatch({ ...DEFAULT_JSON_LIMITS, ...limits });
        try {
          for (let at = 0; at < bytes.length; at += size) watch.see(bytes.subarray(at, at + size));
          return true;
        } catch {
          return false;
        }
      };
      const parts = partsOf(text);
      expect(passes({ parts, bytes: bytes.length, otherBytes: bytes.length })).toBe(true);
      if (parts > 0) expect(passes({ parts: parts - 1 })).toBe(false);
      expect(passes({ bytes: bytes.length - 1 })).toBe(false);
      expect(passes({ otherBytes: bytes.length - 1 })).toBe(false);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('does not take quadratic time to tell, whatever quotes and backslashes it has', () => {
    for (const text of ['"a",', '"\\"', '""', '\\', '"\\\\",']) {
      const watch = createJsonWatch({ bytes: 1e9, parts: 1e9, depth: 1e9, otherBytes: 1e9 });
      const bytes = Buffer.from(text.repeat(4_000_000 / text.length));
      expect(processorTime(() => watch.see(bytes))).toBeLessThan(onThisMachine(2000));
    }
  });
});

describe('as much JSON as is taken', () => {
  let server: ChildProcess | undefined;
  afterAll(() => void server?.kill());

  it.each([
    ['nearly all of it a picture', () => pictureJson(), /^\{"bytes":18874293,/],
    [
      'nearly all of it in small strings',
      () => JSON.stringify({ points: Array.from({ length: 49_000 }, () => 'y'.repeat(120)) }),
      /"REQUEST_INVALID"/,
    ],
    [
      'full of escapes',
      () => JSON.stringify({ image: { base64: '\n'.repeat(DEFAULT_JSON_LIMITS.otherBytes / 2 - 50) } }),
      /"REQUEST_INVALID"/,
    ],
    [
      'as many points as fit',
      () => JSON.stringify({ points: Array.from({ length: 12_490 }, (_, i) => ({ x: i / 3, y: i / 7 })) }),
      /"points":12490/,
    ],
    [
      'as many wrong points as fit',
      () => JSON.stringify({ points: Array.from({ length: 12_490 }, () => ({ x: '', z: 0 })) }),
      /and \d+ more/,
    ],
  ])('(%s) holds the event loop up for less than 50 ms at a time', async (_, make, wanted) => {
    // A program of its own: neither this one's garbage nor the sender's work is measured.
    server ??= spawn(...dyingWithUs(process.execPath, ['test/unit/adapters/http/large-body-server.ts']), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    url ??= new Promise((resolve) => server?.stdout?.once('data', (line: Buffer) => resolve(line.toString().trim())));
    const base = await url;
    const longest = async (): Promise<number> => ((await (await fetch(`${base}/longest`)).json()) as { milliseconds: number }).milliseconds;
    const body = make();
    const worst: number[] = [];
    // The quietest round counts: other programs on the machine hold a process up too.
    const within = onThisMachine(50);
    for (let round = 0; round < 40 && (round < 2 || Math.min(...worst) >= within); round++) {
      await longest();
      await wait(100);
      await longest();
      const answer = await fetch(`${base}/take`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      expect(await answer.text()).toMatch(wanted);
      worst.push(await longest());
    }
    console.log(`longest hold-ups: ${worst.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    expect(Math.min(...worst)).toBeLessThan(within);
  });

  it('is taken, and no more of it, while a form takes larger files', async () => {
    const { url: base } = await start();
    const body = `"${'x'.repeat(DEFAULT_JSON_LIMITS.bytes - 1)}"`;
    const answer = await fetch(`${base}/v1/take`, { method: 'POST', headers: JSON_BODY, body });
    expect([answer.status, (await errorOf(answer)).message]).toEqual([413, expect.stringContaining('multipart form')]);
    const form = new FormData();
    form.append('request', '{}');
    form.append('image', new Blob([body]));
    expect(
      (await fetch(`${base}/v1/take`, { method: 'POST', headers: { authorization: JSON_BODY.authorization }, body: form })).status,
    ).toBe(200);
  });
});

function pictureJson(): string {
  const bytes = 3 * Math.floor((DEFAULT_JSON_LIMITS.bytes - 100) / 4);
  return JSON.stringify({
    image: { base64: Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(bytes - 4, 7)]).toString('base64') },
  });
}

describe('long strings', () => {
  it('are parsed as JSON.parse would, wherever they stand', async () => {
    const long = fc
      .tuple(fc.constantFrom('a', 'é', '\u{1f600}', '\\', '"', '\n', 'A/+'), fc.integer({ min: 65_000, max: 140_000 }))
      .map(([unit, length]) => unit.repeat(length / unit.length));
    const leaf = fc.oneof({ weight: 3, arbitrary: fc.jsonValue({ maxDepth: 1 }) }, { weight: 1, arbitrary: long });
    const value = fc.oneof(
      leaf,
      fc.array(leaf, { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), { maxKeys: 4 }),
    );
    const property = fc.asyncProperty(value, fc.integer({ min: 1000, max: 70_000 }), async (one, size) => {
      const text = Buffer.from(JSON.stringify(one));
      const watch = createJsonWatch();
      for (let at = 0; at < text.length; at += size) watch.see(text.subarray(at, at + size));
      expect(JSON.stringify(await parseJson(text, watch.longStrings))).toBe(text.toString());
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('are no names, and do not end what is broken', async () => {
    const parse = (text: string): Promise<unknown> => {
      const watch = createJsonWatch();
      watch.see(Buffer.from(text));
      return parseJson(Buffer.from(text), watch.longStrings);
    };
    const long = `"${'x'.repeat(70_000)}"`;
    const invalid = { code: 'REQUEST_INVALID' };
    await expect(parse(`{${long}:1}`)).rejects.toMatchObject(invalid);
    await expect(parse(`[${long}${long}]`)).rejects.toMatchObject(invalid);
    await expect(parse(`[${long}`)).rejects.toMatchObject(invalid);
    await expect(parse(long.slice(0, -1))).rejects.toMatchObject(invalid);
    expect(await parse(`[1,${long},[${long}]]`)).toEqual([1, 'x'.repeat(70_000), ['x'.repeat(70_000)]]);
  });
});
