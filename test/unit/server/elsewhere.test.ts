/** Where servers point on their own (redirects, next pages), and what commands are pointed at: no credentials of another address go there. */
import { afterEach, describe, expect, it } from 'vitest';
import { hostAndPort, sameServer } from '../../../src/adapters/http/address-check.ts';
import { createCvatClient } from '../../../src/adapters/cvat/api/client.ts';
import { createCallbackSender } from '../../../src/adapters/webhook/callback-sender.ts';
import { createClient } from '../../../src/client/index.ts';
import { checkFacade } from '../../../src/cli/cvat/doctor/checks.ts';
import { functionFile } from '../../../src/cli/cvat/function-file.ts';
import { openContext } from '../../../src/cli/label-studio/context.ts';
import { serverConfig } from '../../../src/server/config.ts';
import { listHub } from './hub-pages.ts';
import { startThief, type Heard, type ThiefAnswer } from './thief-server.ts';

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

const OWN_TOKEN = 'own-token-of-another-server';
const WRITER = 'token-for-this-service';
const BOSS = { name: 'boss', password: 'password-of-the-admin' };

async function thief(response?: (heard: Heard) => ThiefAnswer) {
  const one = await startThief(response);
  ended.push(() => one.close());
  return one;
}

describe('other servers', () => {
  it('of CVAT: neither the next page it names nor its redirects are followed', async () => {
    const there = await thief();
    const page = (query: URLSearchParams) => (query.get('page') === '1' ? [{ id: 1 }] : []);
    const cvat = await thief(({ url }) => {
      const { pathname, searchParams } = new URL(url, 'http://x');
      if (pathname !== '/api/labels') return { status: 302, headers: { location: there.url } };
      const results = page(searchParams).map((one) => ({ ...one, name: 'cup', type: 'any', color: '#fff', attributes: [] }));
      return { json: { count: 2, next: `${there.url}/api/labels?page=2`, results } };
    });
    for (const own of [
      { token: OWN_TOKEN },
      { login: { username: BOSS.name, password: BOSS.password } },
      { session: { sessionId: 's', csrfToken: 'c' } },
    ]) {
      const client = createCvatClient({ url: cvat.url, ...own, attempts: 1 });
      await client.labels({ task: 1 }).catch(() => undefined);
      await expect(client.task(1)).rejects.toMatchObject({ code: 'CVAT_FAILED' });
    }
    expect(cvat.heard.filter(({ url }) => url.startsWith('/api/labels')).length).toBeGreaterThan(1);
    expect(there.connections()).toBe(0);
  });

  it('of the hub: its token does not go to the next page it names, nor to where it redirects', async () => {
    const there = await thief(() => ({ json: [] }));
    const hub = await thief(({ url }) =>
      url.includes('/tree/')
        ? { headers: { link: `<${there.url}/api/models/a/b/tree/next>; rel="next"` }, json: [] }
        : url.includes('/api/models/')
          ? { json: { id: 'a/b', modelId: 'a/b', sha: '0'.repeat(40), cardData: {} } }
          : { status: 302, headers: { location: `${there.url}/file` } },
    );
    await listHub(hub.url, OWN_TOKEN);
    expect(hub.heard.some(({ headers }) => headers.authorization === `Bearer ${OWN_TOKEN}`)).toBe(true);
    expect(there.heard.length).toBeGreaterThan(0);
    expect(there.loot()).not.toContain(OWN_TOKEN);
  });

  it('of callbacks: one that redirects is not followed', async () => {
    const there = await thief();
    const first = await thief(() => ({ status: 307, headers: { location: there.url } }));
    const sender = createCallbackSender({ allowHosts: [hostAndPort(first.url), hostAndPort(there.url)] });
    ended.push(() => sender.close());
    const headers = { 'x-prosam-signature': 't=1,v1=0' };
    expect(await sender.post(first.url, { headers, body: '{}', signal: AbortSignal.timeout(10_000) })).toBe(307);
    expect([first.heard.length, there.connections()]).toEqual([1, 0]);
  });

  it('of the client: a redirect elsewhere takes no token along', async () => {
    const there = await thief();
    const service = await thief(() => ({ status: 307, headers: { location: `${there.url}/v1/status` } }));
    const client = createClient({ url: service.url, token: WRITER, retries: 0 });
    await client.status().catch(() => undefined);
    expect(service.heard[0]?.headers.authorization).toBe(`Bearer ${WRITER}`);
    expect(there.loot()).not.toContain(WRITER);
  });
});

describe('commands', () => {
  it('look at a service without following it elsewhere', async () => {
    const there = await thief();
    const service = await thief(() => ({ status: 302, headers: { location: there.url } }));
    const findings = await checkFacade(new URL(service.url), { fetch: (url, init) => fetch(url, init), token: WRITER });
    expect(findings).toMatchObject([{ what: 'prosam', state: 'problem' }]);
    expect([service.heard[0]?.headers.authorization, there.connections()]).toEqual([`Bearer ${WRITER}`, 0]);
  });

  it('write a file for CVAT whose token does not go where an answer redirects', () => {
    const text = functionFile('http://127.0.0.1:9090', 'p');
    expect(text.match(/Authorization/g)).toHaveLength(1);
    expect(text).toContain('request.add_unredirected_header("Authorization", ');
  });

  it('show the configured token to the configured Label Studio alone', async () => {
    const empty = {
      token: undefined,
      backend: undefined,
      fromHere: undefined,
      login: undefined,
      configFile: undefined,
      project: undefined,
    };
    const environment = { PROSAM_LABEL_STUDIO_URL: 'http://localhost:8080', PROSAM_LABEL_STUDIO_TOKEN: OWN_TOKEN };
    const tokenFor = async (url: string | undefined): Promise<string | undefined> =>
      (await openContext({ ...empty, url }, environment)).token;
    for (const url of [undefined, 'http://localhost:8080/', 'http://127.0.0.1:8080']) expect(await tokenFor(url)).toBe(OWN_TOKEN);
    for (const url of ['http://localhost:8081', 'https://localhost:8080', 'http://studio:8080'])
      expect(await tokenFor(url)).toBeUndefined();
  });
});

describe('addresses', () => {
  it('are the same server where scheme, name and port are, and this machine has several names', () => {
    for (const same of [
      'http://localhost:8080',
      'http://127.0.0.1:8080/x',
      'http://[::1]:8080',
      'http://0x7f.1:8080',
      'http://LOCALHOST.:8080',
    ])
      expect([same, sameServer('http://localhost:8080/', same)]).toEqual([same, true]);
    for (const other of [
      'http://localhost:8081',
      'http://localhost',
      'https://localhost:8080',
      'http://127.0.0.2:8080',
      'http://a@localhost:8080',
      'x',
      '',
    ])
      expect([other, sameServer('http://localhost:8080', other)]).toEqual([other, false]);
    expect([sameServer('x', 'x'), sameServer('http://a', 'http://a:80')]).toEqual([false, true]);
  });

  it('are allowed with their port, the usual one included', () => {
    expect(['http://a', 'https://a/x', 'http://[::1]:7', 'http://localhost'].map(hostAndPort)).toEqual([
      'a:80',
      'a:443',
      '[::1]:7',
      'localhost:80',
    ]);
  });
});

describe('the secret of callbacks', () => {
  it('is none that opens this service: signed bodies could be sent back to it', () => {
    const secret = 'one secret for everything';
    const config = { auth: { hmac: [{ name: 'signer', secret }] }, callbacks: { secret } };
    expect(() => serverConfig(config)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('signer') as string }) as Error,
    );
    expect(serverConfig({ ...config, callbacks: { secret: 'another secret for callbacks' } }).auth.hmac).toHaveLength(1);
  });
});
