/** Names and redirects that lead to an address of this machine: against real servers that must never hear of it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageSourceOptions } from '../../../../src/adapters/http/images/image-sources.ts';
import { innerServers } from './inner-servers.ts';

const inner = innerServers();
const { open, codeOf } = inner;

describe('a name', () => {
  const answering = (...responses: string[][]): { lookup: NonNullable<ImageSourceOptions['lookup']>; asked: string[] } => {
    const asked: string[] = [];
    return {
      asked,
      lookup: (hostname) => {
        asked.push(hostname);
        const addresses = responses[Math.min(asked.length, responses.length) - 1] as string[];
        return Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
      },
    };
  };

  it('of this machine itself is not asked', async () => {
    open();
    for (const host of ['localhost', 'LOCALHOST', 'localhost.', 'foo.localhost', 'ip6-localhost']) {
      // Names this machine does not know fail; none is reached.
      expect(['URL_REFUSED', 'URL_FAILED']).toContain(await codeOf(`http://${host}:${inner.port}/`));
    }
    expect(await codeOf(`http://localhost:${inner.port}/`)).toBe('URL_REFUSED');
    expect(inner.heard).toEqual([]);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254', 'fd00:ec2::254', '0.0.0.0', '64:ff9b::7f00:1'])(
    'that answers %s is not asked',
    async (address) => {
      const { lookup, asked } = answering([address]);
      open({ lookup });
      expect(await codeOf(`http://rebind.example:${inner.port}/name`)).toBe('URL_REFUSED');
      expect(await codeOf(`https://rebind.example:${inner.port}/name`)).toBe('URL_REFUSED');
      expect(asked).toEqual(['rebind.example', 'rebind.example']);
      expect(inner.heard).toEqual([]);
    },
  );

  it('is connected to at the checked address: what it answers the second time does not matter', async () => {
    // Public first (nobody is there), private ever after.
    const { lookup, asked } = answering(['192.88.99.255', '127.0.0.1'], ['127.0.0.1']);
    open({ lookup, timeoutMs: 600 });
    expect(['URL_REFUSED', 'URL_FAILED']).toContain(await codeOf(`http://rebind.example:${inner.port}/second`));
    expect(asked.length).toBe(1);
    expect(await codeOf(`http://rebind.example:${inner.port}/third`)).toBe('URL_REFUSED');
    expect(inner.heard).toEqual([]);
  });

  it('that was good once is checked again with the next connection', async () => {
    const { lookup } = answering(['127.0.0.1'], ['127.0.0.2']);
    open({ lookup, allowHosts: ['127.0.0.1/32'] });
    expect(await codeOf(`http://rebind.example:${inner.port}/one`)).toBe('read');
    inner.server.closeIdleConnections();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await codeOf(`http://rebind.example:${inner.port}/two`)).toBe('URL_REFUSED');
    expect(inner.heard).toEqual(['/one']);
  });

  it('with good and bad addresses is asked at the good ones only', async () => {
    const { lookup } = answering(['127.0.0.2', '127.0.0.1', '::1']);
    open({ lookup, allowHosts: ['127.0.0.2/32'] });
    expect(await codeOf(`http://mixed.example:${inner.port}/`)).toBe('read');
    expect(inner.heard.length).toBe(1);
  });

  it('that nobody knows fails, without telling more', async () => {
    open({ lookup: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND secret.internal'), { code: 'ENOTFOUND' })) });
    const error = await inner.sources.read({ url: 'http://secret.example/' }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'URL_FAILED', message: expect.stringContaining('ENOTFOUND') as string });
    expect(String(error as Error)).not.toContain('secret.internal');
  });

  it('is allowed as it is written, not what looks like it', async () => {
    const { lookup } = answering(['127.0.0.1']);
    open({ lookup, allowHosts: ['images.internal'] });
    for (const host of ['images.internal', 'IMAGES.internal', 'images.internal.'])
      expect([host, await codeOf(`http://${host}:${inner.port}/`)]).toEqual([host, 'read']);
    for (const host of ['images.internal.evil.example', 'evil-images.internal', 'x.images.internal', 'images-internal'])
      expect([host, await codeOf(`http://${host}:${inner.port}/`)]).toEqual([host, 'URL_REFUSED']);
  });
});

describe('a redirect', () => {
  let outer: Server;
  let target = '';
  let outerPort: number;

  beforeAll(async () => {
    outer = createServer((_, response) => void response.writeHead(302, { location: target }).end());
    await new Promise<void>((resolve) => outer.listen(0, '127.0.0.1', () => resolve()));
    outerPort = (outer.address() as AddressInfo).port;
  });
  afterAll(() => {
    outer.closeAllConnections();
    outer.close();
  });

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:PORT/x',
    'http://localhost:PORT/x',
    'http://[::1]:PORT/x',
    'http://[::ffff:127.0.0.1]:PORT/x',
    'http://0x7f.1:PORT/x',
    'http://2130706433:PORT/x',
    '//127.0.0.1:PORT/x',
    'http://user:pw@127.0.0.1:PORT/x',
    'http://private.example:PORT/x',
    'file:///etc/passwd',
    'ftp://127.0.0.1/x',
    'data:image/png;base64,iVBORw0KGgo=',
  ])('to %s is not followed', async (location) => {
    target = location.replace('PORT', String(inner.port));
    const lookup = (): Promise<{ address: string; family: number }[]> => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    open({ allowHosts: [`outer.example:${outerPort}`], lookup });
    expect(await codeOf(`http://outer.example:${outerPort}/`)).toBe('URL_REFUSED');
    expect(inner.heard).toEqual([]);
  });
});
