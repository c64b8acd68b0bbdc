/** Exchanges by HTTP with a real server that does not always behave. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { externalSystem } from '../../../src/external/external-system.ts';
import type { ExternalTransport } from '../../../src/core/engine/methods/external/port.ts';
import { expectCode, expectRejection } from '../core/expect-error.ts';
import { standInServer, type StandIn } from './stand-in.ts';

const DESCRIBE = new TextEncoder().encode('{"protocol":1,"type":"describe","id":"1"}');
const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

async function withServer(...respond: Parameters<typeof standInServer>): Promise<StandIn> {
  const server = await standInServer(...respond);
  closes.push(() => server.close());
  return server;
}

function open(url: string, options: Parameters<typeof externalSystem>[1] = {}): ExternalTransport {
  const transport = externalSystem(url, options).open();
  closes.push(() => transport.close());
  return transport;
}

describe('a message', () => {
  let server: StandIn;
  beforeEach(async () => {
    server = await withServer();
  });

  it('is posted to the address as it is, and the answer comes back', async () => {
    const answer = await open(server.url).exchange(DESCRIBE);
    expect(JSON.parse(new TextDecoder().decode(answer))).toMatchObject({ id: '1', name: 'stand-in' });
    expect(server.requests).toMatchObject([{ method: 'POST', message: { type: 'describe' } }]);
  });

  it('carries its length, no credentials and no cookies', async () => {
    const transport = open(server.url);
    await transport.exchange(DESCRIBE);
    await transport.exchange(DESCRIBE);
    for (const { headers } of server.requests) {
      expect(headers['content-length']).toBe(String(DESCRIBE.length));
      expect(headers['content-type']).toBe('application/json');
      expect(Object.keys(headers).filter((name) => /auth|cookie|token|key|origin|referer/i.test(name))).toEqual([]);
    }
  });
});

it('does not follow a redirect', async () => {
  const other = await withServer();
  const server = await withServer((response) => {
    response.writeHead(307, { location: other.url, 'set-cookie': 'a=b' }).end();
  });
  await expectRejection('EXTERNAL_FAILED', open(server.url).exchange(DESCRIBE), '307', 'redirects');
  expect(other.requests).toEqual([]);
});

it('asks once, and says what the system said', async () => {
  const server = await withServer((response) => {
    response.writeHead(503).end(JSON.stringify({ protocol: 1, error: 'the GPU is gone' }));
  });
  await expectRejection('EXTERNAL_FAILED', open(server.url).exchange(DESCRIBE), '503', 'the GPU is gone');
  expect(server.requests).toHaveLength(1);
});

it('ends an answer that is too long', async () => {
  const server = await withServer((response) => {
    response.end('x'.repeat(5000));
  });
  await expectRejection('EXTERNAL_FAILED', open(server.url, { maxBytes: 2000 }).exchange(DESCRIBE), '2000 bytes');
});

it('gives up after the time-out, and when its caller does', async () => {
  const deaf = await withServer(() => undefined);
  await expectRejection('EXTERNAL_TIMEOUT', open(deaf.url, { timeoutMs: 20 }).exchange(DESCRIBE), '0.02 s');
  const heard = vi.fn();
  const server = await withServer(() => {
    heard();
  });
  const controller = new AbortController();
  const given = open(server.url).exchange(DESCRIBE, controller.signal);
  given.catch(() => undefined);
  await expect.poll(() => heard.mock.calls.length).toBe(1);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(given).rejects.toBe(reason);
});

it('refuses what is under way when it is closed', async () => {
  const heard = vi.fn();
  const server = await withServer(() => {
    heard();
  });
  const transport = open(server.url);
  const asked = transport.exchange(DESCRIBE);
  asked.catch(() => undefined);
  await expect.poll(() => heard.mock.calls.length).toBe(1);
  await transport.close();
  await expectRejection('EXTERNAL_FAILED', asked, 'closed');
});

it('says that nobody listens', async () => {
  const server = await standInServer();
  await server.close();
  await expectRejection('EXTERNAL_FAILED', open(server.url).exchange(DESCRIBE), 'ECONNREFUSED');
});

it('takes no address with credentials, no empty command and no bounds out of range', () => {
  for (const place of ['http://user:secret@host/', 'http://host/?token=secret', 'https://', '', '"unfinished'])
    expect(expectCode('OPTION_INVALID', () => externalSystem(place)).message).not.toContain('secret');
  expectCode('OPTION_INVALID', () => externalSystem('http://host', { timeoutMs: 0 }), 'timeoutMs');
  expectCode('OPTION_INVALID', () => externalSystem('http://host', { maxBytes: 2 ** 40 }), 'maxBytes');
});
