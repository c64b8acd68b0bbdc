/** Every way to make this machine ask an address it should not: against real servers that must never hear of it. */
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createAddressPolicy } from '../../../../src/adapters/http/address-check.ts';
import { innerServers } from './inner-servers.ts';

const inner = innerServers();
const { open, codeOf } = inner;

it('the servers that must not be reached can be reached', async () => {
  open({ allowHosts: ['127.0.0.1', 'localhost'] });
  expect(await codeOf(`http://127.0.0.1:${inner.port}/`)).toBe('read');
  expect(await codeOf(`http://localhost:${inner.port}/`)).toBe('read');
  expect(inner.heard.length).toBe(2);
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
    expect(await codeOf(`http://${host}:${inner.port}/literal`)).toBe('URL_REFUSED');
    expect(inner.heard).toEqual([]);
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
      expect([who, await codeOf(`http://${who}127.0.0.1:${inner.port}/`)]).toEqual([who, 'URL_REFUSED']);
    expect(inner.heard).toEqual([]);
  });

  it('at a port of another service is refused', async () => {
    open({ allowPorts: [80, 443] });
    for (const other of [22, 25, 6379, 5432, 9200, inner.port])
      expect([other, await codeOf(`http://images.example:${other}/`)]).toEqual([other, 'URL_REFUSED']);
  });
});
