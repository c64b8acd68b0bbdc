/** Callbacks: signed, sent again, given up, sent once more; never to where they must not go. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReplayMemory, verifySignature } from '../../../../src/adapters/http/signature.ts';
import { deliveriesResponse, jobResponse } from '../../../../src/adapters/webhook/responses.ts';
import { createCallbackSender } from '../../../../src/adapters/webhook/callback-sender.ts';
import { webhook } from '../../../../src/adapters/webhook/webhook.ts';
import type { Log } from '../../../../src/service/ports/log.ts';
import { expectCode, expectRejection } from '../../core/expect-error.ts';
import { pngOf, startServer, TOKENS, until, type ServerOptions, type TestServer } from './webhook-server.ts';

const SECRET = 'a secret of callbacks';
interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  path: string;
}

let server: TestServer | undefined;
let receiver: Server;
let received: Received[];
/** Status for the n-th request, from 0. */
let statusOf: (n: number) => number;
let address: string;

beforeEach(async () => {
  received = [];
  statusOf = () => 204;
  receiver = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const status = statusOf(received.length);
      received.push({ headers: request.headers, body: Buffer.concat(pieces).toString(), path: request.url ?? '' });
      response.writeHead(status, status === 307 ? { location: 'http://127.0.0.1:1/' } : {}).end('an answer nobody reads');
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  address = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  receiver.closeAllConnections();
  receiver.close();
});

const start = async (options: ServerOptions = {}): Promise<TestServer> => {
  const callbacks = { secret: SECRET, allowHosts: [address], attempts: 3, backoffMs: 10, timeoutMs: 500, ...options.callbacks };
  return (server = await startServer({ ...options, callbacks }));
};

async function batch(one: TestServer, events: 'each' | 'finished', count = 2): Promise<string> {
  const images = await Promise.all(Array.from({ length: count }, async (_, i) => ({ base64: (await pngOf(i)).toString('base64') })));
  const callback = { url: `http://${address}/told?key=hidden`, events };
  const { status, json, text } = await one.call('POST', '/v1/jobs', { project: 'cups', images, callback });
  expect(status, text).toBe(202);
  return (json as { id: string }).id;
}

async function list(one: TestServer, query = '') {
  return deliveriesResponse.parse((await one.call('GET', `/v1/deliveries${query}`)).json).deliveries;
}

const body = (one: Received) =>
  JSON.parse(one.body) as { event: string; job: { results?: unknown[]; id: string }; item: { index: number } };

describe('callbacks', () => {
  it('tell once that a job is finished, with its results, signed', async () => {
    const one = await start();
    const id = await batch(one, 'finished');
    const delivery = await until(async () => (await list(one)).find(({ state }) => state === 'delivered'));
    const [told, another] = received;
    expect(another).toBeUndefined();
    if (told === undefined) return expect.fail('nothing came');
    expect(told.path).toBe('/told?key=hidden');
    expect(told.headers['x-prosam-delivery']).toBe(delivery.id);
    expect(body(told).event).toBe('job.end');
    const job = jobResponse.parse(body(told).job);
    expect(job).toMatchObject({ id, state: 'finished', done: 2 });
    expect(job.results?.map(({ result }) => result?.masks.length)).toEqual([1, 1]);

    const header = told.headers['x-prosam-signature'] as string;
    const replays = createReplayMemory();
    await verifySignature([SECRET], header, told.body, { nowMs: Date.now(), replays });
    await expectRejection('UNAUTHORIZED', verifySignature([SECRET], header, told.body, { nowMs: Date.now(), replays }));
    await expectRejection('UNAUTHORIZED', verifySignature([SECRET], header, `${told.body} `, { nowMs: Date.now() }));
    await expectRejection('UNAUTHORIZED', verifySignature([SECRET], header, told.body, { nowMs: Date.now() + 600_000 }));
    // Keys in addresses are for the receiver alone.
    expect(delivery.url).toBe(`http://${address}/...`);
  });

  it('tell of each image and of the end', async () => {
    const one = await start();
    await batch(one, 'each', 3);
    await until(() => Promise.resolve(received.length === 4 ? true : undefined));
    const bodies = received.map(body);
    const items = bodies.filter(({ event }) => event === 'job.item').map(({ item }) => item.index);
    expect(items.sort()).toEqual([0, 1, 2]);
    const end = bodies.filter(({ event }) => event === 'job.end');
    expect(end.map(({ job }) => job.results)).toEqual([undefined]);
  });

  it('tell of a cancelled job', async () => {
    const one = await start();
    one.service.state.before = (name, _, signal) =>
      name === 'predictions.predict'
        ? new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
        : undefined;
    const id = await batch(one, 'finished', 3);
    await one.call('DELETE', `/v1/jobs/${id}`);
    await until(() => Promise.resolve(received.length === 1 ? true : undefined));
    expect(received.map(body)[0]?.job).toMatchObject({ id, state: 'cancelled', failed: 3 });
  });

  it('are sent again after failures, under the same id with a new signature', async () => {
    const one = await start();
    statusOf = (n) => (n < 2 ? 500 : 200);
    await batch(one, 'finished');
    const delivery = await until(async () => (await list(one, '?state=delivered'))[0]);
    expect(delivery.attempts).toBe(3);
    expect(new Set(received.map(({ headers }) => headers['x-prosam-delivery']))).toEqual(new Set([delivery.id]));
    expect(new Set(received.map(({ headers }) => headers['x-prosam-signature'])).size).toBe(3);
  });

  it('are given up after so many tries, and wait on a list until somebody wants them again', async () => {
    const one = await start();
    statusOf = () => 503;
    await batch(one, 'finished');
    const [dead] = await until(async () => {
      const found = await list(one, '?state=dead');
      return found.length > 0 ? found : undefined;
    });
    expect(dead).toMatchObject({ attempts: 3, state: 'dead', lastError: 'the address answered 503', project: 'cups' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(received.length).toBe(3);
    statusOf = (n) => (n === 3 ? 503 : 200);
    const { id } = dead as { id: string };
    expect((await one.call('POST', `/v1/deliveries/${id}/retry`, undefined, TOKENS.reader)).status).toBe(403);
    expect((await one.call('POST', `/v1/deliveries/${id}/retry`)).status).toBe(202);
    await until(async () => (await list(one, '?state=delivered'))[0]);
    expect(received.length).toBe(5);
    expect((await one.call('POST', `/v1/deliveries/${id}/retry`)).status).toBe(400);
    expect((await one.call('POST', '/v1/deliveries/nothing/retry')).status).toBe(404);
  });

  it.each([
    [410, 'gone for good', 'the address answered 410'],
    [307, 'redirects', 'the address answered 307'],
  ])('do not get past an answer of %i: %s', async (status, _, lastError) => {
    const one = await start({ callbacks: { attempts: status === 410 ? 3 : 1 } });
    statusOf = () => status;
    await batch(one, 'finished');
    const dead = await until(async () => (await list(one, '?state=dead'))[0]);
    expect(dead).toMatchObject({ attempts: 1, lastError });
    expect(received.length).toBe(1);
  });

  it('end when nobody answers in time', async () => {
    const one = await start({ callbacks: { attempts: 1, timeoutMs: 50 } });
    receiver.removeAllListeners('request');
    await batch(one, 'finished');
    const dead = await until(async () => (await list(one, '?state=dead'))[0]);
    expect(dead.lastError).toMatch(/^URL_FAILED: http:\/\/127.* took too long/);
    expect(dead.lastError).not.toContain('told');
  });

  it('never go to private networks, whether the address says so or the name does', async () => {
    const one = await start({ callbacks: { allowHosts: [] } });
    for (const url of [
      'http://127.0.0.1/',
      'http://[::1]/',
      'http://169.254.169.254/',
      'http://a:b@example.org/',
      'ftp://example.org/',
      'nonsense',
    ]) {
      const { status, json } = await one.call('POST', '/v1/jobs', { project: 'cups', images: [{ path: 'a' }], callback: { url } });
      expect([status, (json as { error: { code: string } }).error.code], url).toEqual([422, 'URL_REFUSED']);
    }
    const sender = createCallbackSender({ lookup: () => Promise.resolve([{ address: '10.0.0.1', family: 4 }]) });
    const request = { headers: {}, body: '{}', signal: AbortSignal.timeout(1000) };
    await expectRejection('URL_REFUSED', sender.post('http://looks-public.example/', request));
    await sender.close();
    expect(received).toEqual([]);
  });

  it('leave no bodies and no addresses in the log', async () => {
    const lines: string[] = [];
    const write = (fields: Record<string, unknown>, message: string): void => void lines.push(JSON.stringify({ ...fields, message }));
    const log: Log = { info: write, warn: write, error: write };
    const one = await start({ log });
    statusOf = (n) => (n === 0 ? 500 : 200);
    await batch(one, 'finished');
    await until(async () => (await list(one, '?state=delivered'))[0]);
    expect(lines.join('\n')).toContain('callback delivered');
    expect(lines.join('\n')).toContain('callback not delivered');
    for (const secret of ['told', 'hidden', 'counts', SECRET, address]) expect(lines.join('\n')).not.toContain(secret);
  });

  it('refuse a short secret', async () => {
    const one = await start();
    const { service, storage } = one;
    const { batches, deliveries } = storage.store;
    const images = { read: () => Promise.reject(new Error('unused')), close: () => Promise.resolve() };
    expectCode(
      'CONFIG_INVALID',
      () => webhook({ service, images, batches, deliveries, queue: storage.queue, callbacks: { secret: 'short' } }),
      '16',
    );
  });
});
