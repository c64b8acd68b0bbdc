/** A service below a path of its proxy, and pages of other origins that call it. */
import { afterEach, describe, expect, it } from 'vitest';
import { belowBase, forwardedPrefix, parseBasePath } from '../../../../src/adapters/http/base-path.ts';
import { parseOrigins } from '../../../../src/adapters/http/cross-origin.ts';
import { expectCode } from '../../core/expect-error.ts';
import { echo } from './echo-route.ts';
import { startProxy, type ProxyOptions } from './proxy.ts';
import { AUTHORIZED, closedApps, errorOf, JSON_BODY, TOKEN } from './running-app.ts';

const PREFIX = '/tools/prosam';
const PAGE = 'https://labels.internal:8443';
const start = closedApps();
const proxies: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(proxies.splice(0).map((one) => one.close()));
});

async function proxied(options: Omit<ProxyOptions, 'prefix'>): Promise<string> {
  const proxy = await startProxy({ prefix: PREFIX, ...options });
  proxies.push(proxy);
  return proxy.url;
}

const thing = { method: 'POST', headers: JSON_BODY, body: JSON.stringify({ name: 'x' }) };
const servers = async (url: string) => ((await (await fetch(url)).json()) as { servers: unknown }).servers;

describe('a base path', () => {
  it.each([
    ['leaves it', false],
    ['takes it off', true],
  ])('is served by a proxy that %s', async (_, strips) => {
    const { url } = await start([echo], { basePath: `${PREFIX}/`, trustProxy: 1 });
    const outside = `${await proxied({ to: url, strips })}${PREFIX}`;
    expect((await fetch(`${outside}/v1/projects/cups/things?limit=3`, thing)).status).toBe(201);
    expect(await servers(`${outside}/openapi.json`)).toEqual([{ url: PREFIX }]);
    expect((await fetch(`${outside}/nothing`)).status).toBe(404);
    // The service itself still answers where it is.
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('says so in the description where the proxy sends no headers', async () => {
    const { url } = await start([], { basePath: PREFIX });
    expect(await servers(`${await proxied({ to: url, strips: true, headers: () => ({}) })}${PREFIX}/openapi.json`)).toEqual([
      { url: PREFIX },
    ]);
    expect(await servers(`${(await start([])).url}/openapi.json`)).toEqual([{ url: '/' }]);
  });

  it('is taken from a trusted proxy alone', async () => {
    const said = { 'x-forwarded-prefix': '/elsewhere' };
    const asked = async (trustProxy?: number) => {
      const { url } = await start([], trustProxy === undefined ? {} : { trustProxy });
      return ((await (await fetch(`${url}/openapi.json`, { headers: said })).json()) as { servers: unknown }).servers;
    };
    expect(await asked(1)).toEqual([{ url: '/elsewhere' }]);
    expect(await asked()).toEqual([{ url: '/' }]);
  });

  it('gets the slash that relative links need, with its query, and never another host', async () => {
    const { url } = await start([], { basePath: PREFIX });
    const answer = await fetch(`${url}${PREFIX}?a=1`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([308, `${PREFIX}/?a=1`]);
    expect((await fetch(`${url}${PREFIX}more/health`)).status).toBe(404);
    expect((await fetch(`${url}${PREFIX}//evil.internal/health`)).status).toBe(404);
  });

  it('is one path, in one spelling', () => {
    expect([parseBasePath('/a/'), parseBasePath(''), parseBasePath('/'), parseBasePath('/a.b/c-d_e~f')]).toEqual([
      '/a',
      '',
      '',
      '/a.b/c-d_e~f',
    ]);
    for (const wrong of ['a', '//a', '/../a', '/a/..', '/a b', '/a?b', 'http://a/b', '/a%2f', `/${'a'.repeat(300)}`])
      expectCode('CONFIG_INVALID', () => parseBasePath(wrong), 'http.basePath', '/tools/prosam');
    expect(forwardedPrefix('/a/, /b')).toBe('/a');
    for (const wrong of [undefined, '', '//evil', '/a/../b', ['/a']]) expect(forwardedPrefix(wrong)).toBeUndefined();
    expect(belowBase('/v1', '')).toEqual({ path: '/v1' });
  });
});

describe('a page of another origin', () => {
  const open = async () => (await start([echo], { allowOrigins: [PAGE] })).url;
  const question = (origin: string) => ({
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization, content-type' },
  });

  it('may ask first without credentials, and call with a token', async () => {
    const path = `${await open()}/v1/projects/cups/things`;
    const asked = await fetch(path, question(PAGE));
    expect([asked.status, asked.headers.get('access-control-allow-origin'), asked.headers.get('vary')]).toEqual([204, PAGE, 'Origin']);
    expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
    const called = await fetch(path, { ...thing, headers: { ...JSON_BODY, origin: PAGE, 'sec-fetch-site': 'cross-site' } });
    expect([called.status, called.headers.get('access-control-allow-origin')]).toEqual([201, PAGE]);
  });

  it('reads errors, too', async () => {
    const answer = await fetch(`${await open()}/v1/projects/cups/things`, {
      method: 'POST',
      headers: { origin: PAGE, authorization: 'Bearer wrong' },
    });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([401, PAGE]);
  });

  it('is refused without a token, whatever else the browser knows', async () => {
    const guard = { tokens: [{ name: 't', token: TOKEN }], basic: [{ name: 'ann', password: 'long enough' }] };
    const { url } = await start([echo], { allowOrigins: [PAGE], guard });
    for (const authorization of [undefined, `Basic ${Buffer.from('ann:long enough').toString('base64')}`]) {
      const headers = { origin: PAGE, 'content-type': 'application/json', ...(authorization && { authorization }) };
      const answer = await fetch(`${url}/v1/projects/cups/things`, { ...thing, headers });
      expect(answer.status).toBe(403);
      expect((await errorOf(answer)).message).toContain('token');
    }
  });

  it('is refused where nobody allowed it, and told the setting', async () => {
    const url = await open();
    for (const origin of ['https://labels.internal', 'http://labels.internal:8443', 'https://evil.internal', 'null']) {
      const asked = await fetch(`${url}/v1/projects/cups/things`, question(origin));
      expect(asked.headers.get('access-control-allow-origin')).toBeNull();
      const called = await fetch(`${url}/v1/projects/cups/things`, { ...thing, headers: { ...JSON_BODY, origin } });
      expect([origin, called.status]).toEqual([origin, 403]);
      const { message } = await errorOf(called);
      for (const setting of ['http.allowOrigins', 'trustProxy', 'X-Forwarded-Host']) expect(message).toContain(setting);
    }
    const read = await fetch(`${url}/health`, { headers: { origin: 'https://evil.internal', ...AUTHORIZED } });
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('is named as browsers name it, where there are tokens', async () => {
    expect(parseOrigins([PAGE, 'http://localhost:3000']).size).toBe(2);
    for (const wrong of [
      '*',
      'null',
      'labels.internal',
      'https://labels.internal/',
      'https://labels.internal/app',
      'HTTPS://labels.internal',
      'file:///a',
    ])
      expectCode('CONFIG_INVALID', () => parseOrigins([wrong]), 'http.allowOrigins', JSON.stringify(wrong));
    await expect(start([], { allowOrigins: [PAGE], guard: { anonymous: 'admin' } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

it('a proxy that is not trusted is named in the error of its pages', async () => {
  const { url } = await start([echo]);
  const outside = await proxied({ to: url, strips: true });
  const answer = await fetch(`${outside}${PREFIX}/v1/projects/cups/things`, { ...thing, headers: { ...JSON_BODY, origin: outside } });
  expect(answer.status).toBe(403);
  expect((await errorOf(answer)).message).toContain('trustProxy');
});
