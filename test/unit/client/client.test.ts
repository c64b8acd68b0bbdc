/** The client against the real adapter: every function, every refusal, and what it does when things go wrong. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient, ProsamClientError, type ProsamClient } from '../../../src/client/index.ts';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { pngFromMask } from '../../../src/core/image/node/png.ts';
import { pngOf, startServer, TOKENS, type TestServer } from '../adapters/webhook/webhook-server.ts';

let server: TestServer;
let client: ProsamClient;
let image: Uint8Array;

beforeAll(async () => {
  server = await startServer({ callbacks: { secret: 'a secret of callbacks', allowHosts: ['127.0.0.1'] } });
  client = createClient({ url: `${server.url}/`, token: TOKENS.admin });
  image = await pngOf();
});
afterAll(() => server.close());
beforeEach(() => {
  Object.assign(server.service.state, { calls: [], annotations: [], versions: [], history: [], before: () => undefined });
});

async function rejection(promise: Promise<unknown>): Promise<ProsamClientError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProsamClientError) return error;
  throw new Error('expected a ProsamClientError', { cause: error });
}

describe('createClient', () => {
  it('asks for masks with bytes, blobs and addresses alike', async () => {
    const marks = await pngFromMask({ data: new Uint8Array(1200).fill(1), width: 40, height: 30 });
    const reply = await client.predict({
      project: 'cups',
      image,
      references: [
        { image: new Blob([image]), mask: marks, label: 'cup' },
        { image: { base64: Buffer.from(image).toString('base64') }, box: [1, 1, 5, 5] },
      ],
      labels: ['cup'],
      format: 'polygon',
    });
    expect(reply.masks[0]?.polygons?.length).toBe(1);
    const request = server.service.state.calls[0]?.args as {
      image: Uint8Array;
      references: { image: Uint8Array; mask: Uint8Array }[];
    };
    expect(Buffer.compare(request.image, image)).toBe(0);
    expect(Buffer.compare(request.references[0]?.image as Uint8Array, image)).toBe(0);
    expect(Buffer.compare(request.references[0]?.mask as Uint8Array, marks)).toBe(0);
    const again = await client.predict({ project: 'cups', image: { sha256: reply.image.sha256 } });
    expect(again.masks[0]?.rle?.size).toEqual([30, 40]);
    const refined = await client.refine({ project: 'cups', image, points: [{ x: 1, y: 2 }], lowResLogits: true });
    expect(refined.masks[0]?.lowResLogits?.length).toBeGreaterThan(4);
    expect(await client.projects.image('cups', reply.image.sha256)).toEqual(new Uint8Array(image));
  });

  it('sends bytes with a page and a range of values', async () => {
    const deep = await sharp(
      Uint16Array.from({ length: 1200 }, (_, i) => 1000 + (i % 40)),
      { raw: { width: 40, height: 30, channels: 1 } },
    )
      .toColourspace('grey16')
      .png()
      .toBuffer();
    const { image: kept } = await client.predict({
      project: 'cups',
      image: { bytes: new Blob([new Uint8Array(deep)]), valueRange: [1000, 1039] },
      references: [{ image: { bytes: image, page: 1 }, box: [1, 1, 5, 5], label: 'cup' }],
    });
    const { data } = await sharp(await client.projects.image('cups', kept.sha256))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([data[0], data[39 * 3]]).toEqual([0, 255]);
  });

  it('follows a job to its end and reads all results', async () => {
    const images = await Promise.all([1, 2, 3, 4, 5].map((seed) => pngOf(seed)));
    const { id } = await client.jobs.create({ project: 'cups', images });
    const events = [];
    for await (const { event, job } of client.jobs.events(id)) events.push([event, job.done]);
    expect(events.at(-1)).toEqual(['end', 5]);
    expect((await client.jobs.get(id)).results).toBeUndefined();
    const results = [];
    for await (const { index, result } of client.jobs.results(id, { limit: 2 })) results.push([index, result?.masks.length]);
    expect(results).toEqual([0, 1, 2, 3, 4].map((index) => [index, 1]));
    expect((await client.jobs.cancel(id)).state).toBe('finished');
  });

  it('stores, lists, flags and removes annotations', async () => {
    const annotation = { project: 'cups', externalId: 'a/1 ?', revision: 1, image, provenance: 'drawn' as const };
    const masks = [{ label: 'cup', points: [[3, 3] as [number, number]] }];
    expect((await client.annotations.put({ ...annotation, masks })).outcome).toBe('stored');
    expect((await client.annotations.put({ ...annotation, masks })).outcome).toBe('duplicate');
    const which = { project: 'cups', externalId: 'a/1 ?' };
    expect(await client.annotations.flag(which, true)).toBe(true);
    const { annotations, next } = await client.annotations.list('cups', { label: 'cup', limit: 10 });
    expect(annotations.map(({ externalId, flagged, source }) => [externalId, flagged, source])).toEqual([['a/1 ?', true, 'webhook']]);
    expect(next).toBeUndefined();
    expect(await client.annotations.delete(which, { revision: 3 })).toBe(true);
    expect(await client.annotations.delete(which)).toBe(false);
    expect((await rejection(client.annotations.flag(which, false))).code).toBe('ANNOTATION_NOT_FOUND');
  });

  it('asks for projects, what to label, runs and models, and changes which is in service', async () => {
    await client.predict({ project: 'a/b', image });
    expect(await client.projects.list()).toContain('a/b');
    expect((await client.projects.get('a/b')).images).toBe(1);
    expect((await client.projects.nextImages('a/b', { limit: 5, offset: 0 })).images.length).toBe(1);
    await client.projects.train('a/b');
    expect(server.service.state.calls.at(-1)).toEqual({ name: 'projects.train', args: 'a/b' });
    expect(await client.projects.runs('a/b', { limit: 3 })).toEqual([]);
    expect(await client.versions.list({ project: 'a/b' })).toEqual([]);
    expect(await client.versions.promote('base', { project: 'a/b', reason: 'x' })).toEqual({ project: 'a/b', encoderVersion: 'base' });
    expect(await client.projects.rollback('a/b', 'back')).toEqual({ project: 'a/b', encoderVersion: 'base' });
    expect((await rejection(client.versions.get('none'))).code).toBe('VERSION_NOT_FOUND');
    expect((await client.status()).ready).toBe(true);
    expect(await client.deliveries.list({ state: 'dead' })).toEqual([]);
    expect((await rejection(client.deliveries.retry('none'))).code).toBe('DELIVERY_NOT_FOUND');
  });

  it('says what the service said', async () => {
    const error = await rejection(client.predict({ project: 'cups', image: { sha256: '0'.repeat(64) } }));
    expect(error).toMatchObject({ code: 'IMAGE_UNKNOWN', status: 404, name: 'ProsamClientError' });
    expect(error.hint).toContain('sha256');
    expect(error.requestId).toMatch(/.{8}/);
    const stranger = createClient({ url: server.url, token: 'nobody knows this token' });
    expect(await rejection(stranger.status())).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
  });

  it('tries again when the service is busy, as long as it says, and only what may be repeated', async () => {
    let busy = 2;
    server.service.state.before = () => {
      if (busy-- > 0) throw new ProsamError('SERVICE_BUSY', 'all places are taken. Wait.', { retryAfterMs: 1000 });
    };
    const started = performance.now();
    await client.predict({ project: 'cups', image });
    expect(performance.now() - started).toBeGreaterThan(1900);
    busy = Infinity;
    server.service.state.calls.length = 0;
    const impatient = createClient({ url: server.url, token: TOKENS.admin, retries: 0 });
    expect(await rejection(impatient.predict({ project: 'cups', image }))).toMatchObject({ status: 503, retryAfterMs: 1000 });
    expect((await rejection(client.projects.rollback('cups', 'x'))).status).toBe(503);
    expect(server.service.state.calls.length).toBe(2);
  });

  it('ends with the reason of its signal', async () => {
    const gone = new Error('no longer expected');
    server.service.state.before = () => new Promise(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(gone), 50);
    await expect(client.predict({ project: 'cups', image }, { signal: controller.signal })).rejects.toBe(gone);
  });
});

describe('a service that misbehaves', () => {
  let host: Server;
  let url: string;
  let reply: (n: number) => { status?: number; headers?: Record<string, string>; body?: string; cut?: boolean; silent?: boolean };
  let asked: { path: string; lastEventId?: string }[];

  beforeEach(async () => {
    asked = [];
    host = createServer((request, response) => {
      const { status = 200, headers = {}, body = '', cut = false, silent = false } = reply(asked.length);
      const id = request.headers['last-event-id'];
      asked.push({ path: request.url ?? '', ...(typeof id === 'string' && { lastEventId: id }) });
      if (silent) return;
      response.writeHead(status, headers);
      response.write(body, () => (cut ? response.destroy() : response.end()));
    });
    await new Promise<void>((done) => host.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    host.closeAllConnections();
    host.close();
  });

  it('is told from one that cannot be reached, one that is late and one that is none', async () => {
    reply = () => ({ status: 502, body: '<html>bad gateway</html>' });
    expect(await rejection(createClient({ url }).status())).toMatchObject({ code: 'ANSWER_UNREADABLE', status: 502 });
    reply = () => ({ body: '{"ready": tr' });
    expect(await rejection(createClient({ url }).status())).toMatchObject({ code: 'ANSWER_UNREADABLE', status: 200 });
    reply = () => ({ silent: true });
    expect(await rejection(createClient({ url, timeoutMs: 50 }).status())).toMatchObject({ code: 'TIMED_OUT', status: 0 });
    expect(await rejection(createClient({ url: 'http://127.0.0.1:1', retries: 1 }).status())).toMatchObject({ code: 'NETWORK_FAILED' });
  });

  it('is not waited for longer than anybody would', async () => {
    reply = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    expect(await rejection(createClient({ url }).status())).toMatchObject({ status: 503, retryAfterMs: 3_600_000 });
    expect(asked.length).toBe(1);
  });

  it('may drop an event stream: it goes on after the last event', async () => {
    const progress = (done: number, event = 'progress') =>
      `event: ${event}\r\nid: ${done}\r\ndata: {"id":"j",\r\ndata: "done":${done}}\r\n\r\n`;
    reply = (n) => {
      const headers = { 'content-type': 'text/event-stream' };
      if (n === 0) return { headers, cut: true, body: `: hello\n\n${progress(1)}event: progress\ndata: {"id":"j","do` };
      return { headers, body: `${progress(2)}${progress(2, 'end')}` };
    };
    const seen = [];
    for await (const { event, job } of createClient({ url }).jobs.events('j')) seen.push([event, job.done]);
    expect(seen).toEqual([
      ['progress', 1],
      ['progress', 2],
      ['end', 2],
    ]);
    expect(asked).toEqual([{ path: '/v1/jobs/j/events' }, { path: '/v1/jobs/j/events', lastEventId: '1' }]);
  });
});
