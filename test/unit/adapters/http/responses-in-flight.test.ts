/** Responses that nobody takes: bounded in memory, whoever reads slowly. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createBodyBudget } from '../../../../src/adapters/http/body/body-budget.ts';
import { route } from '../../../../src/adapters/http/route.ts';
import { AUTHORIZED, closedApps, errorOf, TOKEN } from './running-app.ts';

const start = closedApps();
/** More than the buffers of a connection take. */
const LARGE = 24 * 2 ** 20;

const large = route({
  ...{ method: 'get', path: '/large', summary: 'Many bytes', access: 'read', responseTypes: ['image/png'] },
  handle: () => Promise.resolve({ bytes: new Uint8Array(LARGE), type: 'image/png' }),
});
const text = route({
  ...{ method: 'get', path: '/text', summary: 'The same as JSON', access: 'read', response: z.object({ text: z.string() }) },
  handle: () => Promise.resolve({ json: { text: 'x'.repeat(LARGE) } }),
});
const small = route({
  ...{ method: 'get', path: '/small', summary: 'Few bytes', access: 'read', response: z.object({ fine: z.boolean() }) },
  handle: () => Promise.resolve({ json: { fine: true } }),
});

/** Asks, and takes no more than the beginning. */
async function slowReader(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`GET /v1/large HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}

describe('responses', () => {
  it('that are not taken are bounded; what comes then is told to come back, and is served once they are gone', async () => {
    const { url, port } = await start([large, text, small], { bodies: createBodyBudget(4 * LARGE) });
    const ask = (path: string) => fetch(`${url}/v1${path}`, { headers: AUTHORIZED });
    const readers = [await slowReader(port), await slowReader(port)];
    for (const path of ['/large', '/text']) {
      const refused = await ask(path);
      expect([refused.status, refused.headers.get('retry-after') !== null]).toEqual([503, true]);
      expect((await errorOf(refused)).code).toBe('SERVICE_BUSY');
    }
    expect((await ask('/small')).status).toBe(200);
    for (const reader of readers) reader.destroy();
    await expect.poll(async () => (await ask('/large')).status).toBe(200);
    // Those who take theirs hold nothing back from each other.
    for (let i = 0; i < 6; i++) expect((await (await ask('/large')).arrayBuffer()).byteLength).toBe(LARGE);
  });
});
