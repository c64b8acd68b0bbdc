/** Every way to make this machine ask an address it should not: against real servers that must never hear of it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageSources } from '../../../../src/adapters/http/images/image-input.ts';
import { createAddressPolicy } from '../../../../src/adapters/http/address-check.ts';
import { createImageSources, type ImageSourceOptions } from '../../../../src/adapters/http/images/image-sources.ts';
import { isProsamError } from '../../../../src/core/common/errors.ts';

const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(100, 7)]);

let inner: Server;
let innerV6: Server;
/** Port of both servers that must not be reached. */
let port: number;
let heard: string[] = [];
let sources: ImageSources;

beforeAll(async () => {
  const answer = (request: { url?: string | undefined }, response: { end(bytes: Buffer): unknown }): void => {
    heard.push(request.url ?? '');
    response.end(PNG);
  };
  inner = createServer(answer);
  await new Promise<void>((resolve) => inner.listen(0, '0.0.0.0', () => resolve()));
  port = (inner.address() as AddressInfo).port;
  innerV6 = createServer(answer);
  // A machine without IPv6 refuses; its probes below are refused before they could tell.
  await new Promise<void>((resolve) => innerV6.once('error', () => resolve()).listen({ port, host: '::1' }, () => resolve()));
});
afterAll(() => {
  inner.closeAllConnections();
  inner.close();
  innerV6.close();
});
beforeEach(() => {
  heard = [];
});
afterEach(async () => {
  await sources.close();
});

function open(options: ImageSourceOptions = {}): void {
  // The port is allowed: it is the address that must be what is refused.
  sources = createImageSources({ timeoutMs: 3000, allowPorts: [port, 80, 443], ...options });
}

async function codeOf(url: string): Promise<string> {
  try {
    await sources.read({ url });
    return 'read';
  } catch (error) {
    return isProsamError(error) ? error.code : `unexpected ${String(error)}`;
  }
}

it('the servers that must not be reached can be reached', async () => {
  open({ allowHosts: ['127.0.0.1', 'localhost'] });
  expect(await codeOf(`http://127.0.0.1:${port}/`)).toBe('read');
  expect(await codeOf(`http://localhost:${port}/`)).toBe('read');
  expect(heard.length).toBe(2);
});

describe('a literal address', () => {
  const own = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
    // A machine may really have a public address.
    .filter((address) => /^(10|172|192)\./.test(address));

  const hosts = [
    ...own,
    ...[
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '127.255.255.254',
      '0.0.0.0',
      '0',
      '2130706433',
      '017700000001',
      '0177.0.0.1',
      '0177.0.0.01',
      '0x7f000001',
      '0x7F.0.0.1',
      '0x7f.1',
      '127.0.0.1.',
      '0x7f.0x0.0x0.0x1',
      '①②⑦.⓪.⓪.①',
      '１２７.0.0.1',
      '127。0。0。1',
      '%31%32%37.0.0.1',
    ],
    ...[
      '10.0.0.1',
      '172.16.0.1',
      '192.168.0.1',
      '100.64.0.1',
      '169.254.169.254',
      '169.254.170.2',
      '192.0.0.192',
      '192.0.2.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
      '0xa9fea9fe',
      '2852039166',
      '0251.0376.0251.0376',
    ],
    ...[
      '[::1]',
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::ffff:169.254.169.254]',
      '[::127.0.0.1]',
      '[fe80::1]',
      '[fc00::1]',
      '[fd00:ec2::254]',
      '[64:ff9b::7f00:1]',
      '[64:ff9b::169.254.169.254]',
      '[64:ff9b:1::1]',
      '[2002:7f00:1::]',
      '[2002:a9fe:a9fe::1]',
      '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
      '[2001:db8::1]',
      '[ff02::1]',
      '[100::1]',
      '[fec0::1]',
      '[::a9fe:a9fe]',
      '[::10.0.0.1]',
    ],
  ];

  it.each(hosts)('%s is not asked', async (host) => {
    open();
    expect(await codeOf(`http://${host}:${port}/literal`)).toBe('URL_REFUSED');
    expect(heard).toEqual([]);
  });

  it('of the public is no private one', () => {
    const policy = createAddressPolicy([], [80]);
    for (const address of ['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '[2a00:1450::1]', '::ffff:8.8.8.8'])
      expect([address, policy.permits(address)]).toEqual([address, true]);
    for (const text of ['', 'localhost', '1.1.1.1.evil', 'fe80::1%eth0', '::ffff:10.0.0.1'])
      expect([text, policy.permits(text)]).toEqual([text, false]);
  });
});

describe('an address of another kind', () => {
  it.each([
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'gopher://127.0.0.1:80/_x',
    'javascript:1',
    'blob:http://h/x',
    'ws://127.0.0.1/',
    'HTTP//127.0.0.1',
    '//127.0.0.1/',
    'http:/\\',
    'a.png',
    '',
    'http://',
  ])('%j is refused', async (url) => {
    open();
    expect(await codeOf(url)).toBe('URL_REFUSED');
  });

  it('with credentials in it is refused, even where the host is allowed', async () => {
    open({ allowHosts: ['127.0.0.1'] });
    for (const who of ['user:pw@', 'user@', ':pw@', 'good.example@', '1.1.1.1:80@'])
      expect([who, await codeOf(`http://${who}127.0.0.1:${port}/`)]).toEqual([who, 'URL_REFUSED']);
    expect(heard).toEqual([]);
  });

  it('at a port of another service is refused', async () => {
    open({ allowPorts: [80, 443] });
    for (const other of [22, 25, 6379, 5432, 9200, port])
      expect([other, await codeOf(`http://images.example:${other}/`)]).toEqual([other, 'URL_REFUSED']);
  });
});

describe('a name', () => {
  const answering = (...answers: string[][]): { lookup: NonNullable<ImageSourceOptions['lookup']>; asked: string[] } => {
    const asked: string[] = [];
    return {
      asked,
      lookup: (hostname) => {
        asked.push(hostname);
        const addresses = answers[Math.min(asked.length, answers.length) - 1] as string[];
        return Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
      },
    };
  };

  it('of this machine itself is not asked', async () => {
    open();
    for (const host of ['localhost', 'LOCALHOST', 'localhost.', 'foo.localhost', 'ip6-localhost']) {
      // Names this machine does not know fail; none is reached.
      expect(['URL_REFUSED', 'URL_FAILED']).toContain(await codeOf(`http://${host}:${port}/`));
    }
    expect(await codeOf(`http://localhost:${port}/`)).toBe('URL_REFUSED');
    expect(heard).toEqual([]);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254', 'fd00:ec2::254', '0.0.0.0', '64:ff9b::7f00:1'])(
    'that answers %s is not asked',
    async (address) => {
      const { lookup, asked } = answering([address]);
      open({ lookup });
      expect(await codeOf(`http://rebind.example:${port}/name`)).toBe('URL_REFUSED');
      expect(await codeOf(`https://rebind.example:${port}/name`)).toBe('URL_REFUSED');
      expect(asked).toEqual(['rebind.example', 'rebind.example']);
      expect(heard).toEqual([]);
    },
  );

  it('is connected to at the checked address: what it answers the second time does not matter', async () => {
    // Public first (nobody is there), private ever after.
    const { lookup, asked } = answering(['192.88.99.255', '127.0.0.1'], ['127.0.0.1']);
    open({ lookup, timeoutMs: 600 });
    expect(['URL_REFUSED', 'URL_FAILED']).toContain(await codeOf(`http://rebind.example:${port}/second`));
    expect(asked.length).toBe(1);
    expect(await codeOf(`http://rebind.example:${port}/third`)).toBe('URL_REFUSED');
    expect(heard).toEqual([]);
  });

  it('that was good once is checked again with the next connection', async () => {
    const { lookup } = answering(['127.0.0.1'], ['127.0.0.2']);
    open({ lookup, allowHosts: ['127.0.0.1/32'] });
    expect(await codeOf(`http://rebind.example:${port}/one`)).toBe('read');
    inner.closeIdleConnections();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await codeOf(`http://rebind.example:${port}/two`)).toBe('URL_REFUSED');
    expect(heard).toEqual(['/one']);
  });

  it('with good and bad addresses is asked at the good ones only', async () => {
    const { lookup } = answering(['127.0.0.2', '127.0.0.1', '::1']);
    open({ lookup, allowHosts: ['127.0.0.2/32'] });
    expect(await codeOf(`http://mixed.example:${port}/`)).toBe('read');
    expect(heard.length).toBe(1);
  });

  it('that nobody knows fails, without telling more', async () => {
    open({ lookup: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND secret.internal'), { code: 'ENOTFOUND' })) });
    const error = await sources.read({ url: 'http://secret.example/' }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'URL_FAILED', message: expect.stringContaining('ENOTFOUND') as string });
    expect(String(error as Error)).not.toContain('secret.internal');
  });

  it('is allowed as it is written, not what looks like it', async () => {
    const { lookup } = answering(['127.0.0.1']);
    open({ lookup, allowHosts: ['images.internal'] });
    for (const host of ['images.internal', 'IMAGES.internal', 'images.internal.'])
      expect([host, await codeOf(`http://${host}:${port}/`)]).toEqual([host, 'read']);
    for (const host of ['images.internal.evil.example', 'evil-images.internal', 'x.images.internal', 'images-internal'])
      expect([host, await codeOf(`http://${host}:${port}/`)]).toEqual([host, 'URL_REFUSED']);
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
    target = location.replace('PORT', String(port));
    const lookup = (): Promise<{ address: string; family: number }[]> => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    open({ allowHosts: [`outer.example:${outerPort}`], lookup });
    expect(await codeOf(`http://outer.example:${outerPort}/`)).toBe('URL_REFUSED');
    expect(heard).toEqual([]);
  });
});
