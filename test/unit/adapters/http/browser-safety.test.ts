/** Pages of others that try to use a caller's browser: forged names and forged requests, over real sockets. */
import { afterEach, describe, expect, it } from 'vitest';
import { route } from '../../../../src/adapters/http/route.ts';
import { sendRaw, startApp, TOKEN, type Options, type RunningApp } from './running-app.ts';

const running: RunningApp[] = [];
let handled = 0;

async function start(options?: Options): Promise<number> {
  handled = 0;
  const handle = (): Promise<{ json: unknown }> => {
    handled += 1;
    return Promise.resolve({ json: {} });
  };
  const one = await startApp(
    [
      route({ method: 'get', path: '/read', summary: 'x', access: 'read', handle }),
      route({ method: 'post', path: '/change', summary: 'x', access: 'write', handle }),
      route({ method: 'delete', path: '/change', summary: 'x', access: 'write', handle }),
    ],
    options,
  );
  running.push(one);
  return one.port;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close({ deadlineMs: 100 })));
});

async function statusOf(port: number, method: string, path: string, headers: string[]): Promise<number> {
  const { text, socket } = await sendRaw(port, [`${method} ${path} HTTP/1.1`, ...headers, 'Content-Length: 0', '', ''].join('\r\n'));
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
}

describe('the Host header', () => {
  const anonymous: Options = { guard: { anonymous: 'admin' } };

  it('must name this machine where anybody may ask', async () => {
    const port = await start(anonymous);
    for (const host of ['localhost', 'LOCALHOST', `localhost:${port}`, `127.0.0.1:${port}`, '127.0.0.1', `[::1]:${port}`]) {
      expect([host, await statusOf(port, 'GET', '/v1/read', [`Host: ${host}`])]).toEqual([host, 200]);
    }
    const evil = [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      'localhost:80:80',
      '127.0.0.1.evil.example',
      '127.0.0.1@evil.example',
      '0.0.0.0',
      '[::2]',
      '',
    ];
    handled = 0;
    for (const host of evil) {
      expect([host, await statusOf(port, 'GET', '/v1/read', [`Host: ${host}`])]).toEqual([host, 403]);
      expect([host, await statusOf(port, 'POST', '/v1/change', [`Host: ${host}`])]).toEqual([host, 403]);
      expect([host, await statusOf(port, 'GET', '/health', [`Host: ${host}`])]).toEqual([host, 403]);
    }
    expect(await statusOf(port, 'GET', '/v1/read', [])).toBe(400);
    expect(handled).toBe(0);
  });

  it('is not rescued by headers of proxies nobody trusts', async () => {
    const port = await start(anonymous);
    expect(await statusOf(port, 'GET', '/v1/read', ['Host: evil.example', 'X-Forwarded-Host: localhost'])).toBe(403);
  });

  it('may be any where everybody has to say who they are, or one of those configured', async () => {
    const authorization = `Authorization: Bearer ${TOKEN}`;
    const free = await start();
    expect(await statusOf(free, 'GET', '/v1/read', ['Host: any.example', authorization])).toBe(200);
    const held = await start({ allowedHosts: ['masks.example', 'other.example:8443'] });
    expect(await statusOf(held, 'GET', '/v1/read', ['Host: masks.example:9090', authorization])).toBe(200);
    expect(await statusOf(held, 'GET', '/v1/read', ['Host: other.example:8443', authorization])).toBe(200);
    expect(await statusOf(held, 'GET', '/v1/read', ['Host: other.example', authorization])).toBe(403);
    expect(await statusOf(held, 'GET', '/v1/read', ['Host: localhost', authorization])).toBe(403);
  });
});

describe('a request of another site', () => {
  it('changes nothing, whatever credentials the browser adds', async () => {
    const port = await start({ guard: { basic: [{ name: 'annette', password: 'password' }] } });
    const always = [`Host: localhost:${port}`, `Authorization: Basic ${Buffer.from('annette:password').toString('base64')}`];
    const forged = [
      ['Origin: http://evil.example'],
      ['Origin: http://localhost'],
      [`Origin: http://localhost:${port + 1}`],
      [`Origin: http://evil.example:${port}`],
      [`Origin: http://localhost:${port}.evil.example`],
      ['Origin: null'],
      ['Origin: garbage'],
      ['Sec-Fetch-Site: cross-site'],
      ['Sec-Fetch-Site: same-site'],
      ['Sec-Fetch-Site: cross-site', `Origin: http://localhost:${port}`],
      ['Sec-Fetch-Site: same-origin', 'Origin: http://evil.example'],
      ['X-Forwarded-Host: evil.example', 'Origin: http://evil.example'],
    ];
    for (const headers of forged) {
      for (const method of ['POST', 'DELETE'])
        expect([headers, await statusOf(port, method, '/v1/change', [...always, ...headers])]).toEqual([headers, 403]);
    }
    expect(handled).toBe(0);
    const own = [[], [`Origin: http://localhost:${port}`], ['Sec-Fetch-Site: same-origin'], ['Sec-Fetch-Site: none']];
    for (const headers of own)
      expect([headers, await statusOf(port, 'POST', '/v1/change', [...always, ...headers])]).toEqual([headers, 200]);
    expect(await statusOf(port, 'GET', '/v1/read', [...always, 'Sec-Fetch-Site: cross-site'])).toBe(200);
  });

  it('is measured by the name a trusted proxy was asked for', async () => {
    const port = await start({ trustProxy: 1 });
    const headers = ['Host: 127.0.0.1', `Authorization: Bearer ${TOKEN}`, 'X-Forwarded-Host: masks.example'];
    expect(await statusOf(port, 'POST', '/v1/change', [...headers, 'Origin: https://masks.example'])).toBe(200);
    expect(await statusOf(port, 'POST', '/v1/change', [...headers, 'Origin: https://evil.example'])).toBe(403);
  });
});
