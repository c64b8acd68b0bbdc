/** Own credentials go to the configured Label Studio only, whatever a request, a redirect or the picture of a task names. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hostAndPort } from '../../../src/adapters/http/address-check.ts';
import { createGuard } from '../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../src/adapters/http/http-app.ts';
import { createImageSources } from '../../../src/adapters/http/images/image-sources.ts';
import { listen } from '../../../src/adapters/http/listen.ts';
import type { Log } from '../../../src/service/ports/log.ts';
import { noMetrics } from '../../../src/service/ports/metrics.ts';
import { serverConfig } from '../../../src/server/config.ts';
import type { ProsamConfig } from '../../../src/server/config-schema.ts';
import { mountLabelStudio } from '../../../src/server/mount-label-studio.ts';
import { CONFIG, NAME, PROJECT } from '../../integrations/label-studio/backend-server.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { fakeService } from '../adapters/fake-service.ts';
import { startThief, type Heard, type ThiefAnswer } from './thief-server.ts';

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

const WRITER = 'token-of-one-project-only';
const BOSS = { name: 'boss', password: 'password-of-the-admin', access: 'admin' } as const;
const MATE = { name: 'studio', password: 'password-of-the-studio', access: 'write' } as const;
const OWN_TOKEN = 'own-token-of-label-studio';
const TOLD_TOKEN = 'a'.repeat(40);
/** None of these may reach anybody but the configured Label Studio. */
const SECRETS = [
  BOSS.password,
  MATE.password,
  OWN_TOKEN,
  WRITER,
  ...[BOSS, MATE].map(({ name, password }) => Buffer.from(`${name}:${password}`).toString('base64')),
];

async function thief(response?: (heard: Heard) => ThiefAnswer, host?: string) {
  const one = await startThief(response, host);
  ended.push(() => one.close());
  return one;
}

/** The part of the service that Label Studio talks to, with a token that may write to one project. */
async function start(config: ProsamConfig = {}, { open = false } = {}) {
  const settings = serverConfig({
    ...config,
    auth: { basic: [BOSS, MATE], tokens: [{ name: 'writer', token: WRITER, projects: [NAME] }] },
  });
  const lines: string[] = [];
  const write: Log['info'] = (fields, message) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { info: write, warn: write, error: write };
  const { basic, tokens } = settings.auth;
  const guard = createGuard(open ? { anonymous: 'admin' } : { basic, tokens });
  const app = createHttpApp({ guard, log });
  const images = createImageSources({ allowHosts: settings.images.allowHosts });
  const storage = await openStorage({ database: ':memory:', objects: mkdtempSync(join(tmpdir(), 'prosam-credentials-')) });
  const { queue } = storage;
  const mounted = mountLabelStudio({ settings, service: fakeService(), app, images, queue, log, metrics: noMetrics });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  ended.push(
    () => storage.close(),
    () => images.close(),
    () => mounted.close(),
    () => server.close({ deadlineMs: 1000 }),
  );
  const call = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}/label-studio${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${WRITER}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const setup = (changes: object, headers?: Record<string, string>): Promise<Response> =>
    call('/setup', { project: PROJECT, schema: CONFIG, access_token: TOLD_TOKEN, extra_params: null, ...changes }, headers);
  return { call, setup, mounted, lines };
}

/** Every way to write an address on this machine, or elsewhere inside. */
const WAYS: readonly ((port: number) => string)[] = [
  (port) => `http://127.0.0.1:${port}`,
  (port) => `http://localhost:${port}`,
  (port) => `http://LOCALHOST.:${port}/`,
  (port) => `http://[::1]:${port}`,
  (port) => `http://[::ffff:127.0.0.1]:${port}`,
  (port) => `http://2130706433:${port}`,
  (port) => `http://0x7f.1:${port}`,
  (port) => `http://0177.0.0.1:${port}/path?query=1#end`,
  (port) => `http://studio:8080@127.0.0.1:${port}`,
  (port) => ` http://127.0.0.1:${port}`,
  (port) => `//127.0.0.1:${port}`,
  (port) => `127.0.0.1:${port}`,
  () => 'https://studio.example.org',
  () => 'http://10.0.0.1:8080',
  () => 'http://169.254.169.254/latest/meta-data',
  () => 'file:///etc/passwd',
];

describe('a Label Studio that a request names', () => {
  it('is refused where none is configured: nothing is connected to, and the answer says what to set', async () => {
    const there = await thief();
    const { setup, mounted } = await start({ labelStudio: { backendUrl: 'http://prosam.example.org/label-studio' } });
    for (const way of WAYS) {
      for (const named of [{ hostname: way(there.port) }, { hostname: '', extra_params: { hostname: way(there.port) } }]) {
        const response = await setup(named);
        const { error } = (await response.json()) as { error: { code: string; message: string } };
        expect([named, response.status, error.code]).toEqual([named, 422, 'URL_REFUSED']);
        expect(error.message).toContain('PROSAM_LABEL_STUDIO_URL');
        // Label Studio shows people the status line alone.
        expect(response.statusText).toContain('PROSAM_LABEL_STUDIO_URL');
        expect(error.message).not.toContain('studio:8080@');
      }
    }
    await mounted.idle();
    expect(mounted.connections.all()).toEqual([]);
    expect(there.connections()).toBe(0);
  });

  it('is refused on a machine that serves itself alone, too, where nobody has to log in', async () => {
    const there = await thief();
    const { setup } = await start({ host: '127.0.0.1' }, { open: true });
    expect((await setup({ hostname: there.url }, { authorization: '' })).status).not.toBe(200);
    expect((await setup({ hostname: '' })).status).not.toBe(422);
    expect(there.connections()).toBe(0);
  });

  it('is not asked where another one is configured: that one gets token and login, of the least who may write', async () => {
    const there = await thief();
    const webhook = { id: 1, headers: {}, is_active: true, send_payload: true, send_for_all_actions: false, actions: [] };
    const studio = await thief(({ method, url }) => {
      if (url.startsWith('/api/tasks')) return { json: { total: 0, tasks: [] } };
      if (url.startsWith('/api/projects/1'))
        return { json: { id: 1, title: 'cars', created_at: '2026-11-22T16:31:53.521413Z', label_config: CONFIG, task_number: 0 } };
      if (url.startsWith('/api/webhooks'))
        return { json: method === 'GET' ? [] : { ...webhook, url: 'http://prosam/label-studio/webhook' } };
      if (url.startsWith('/api/ml')) return { json: [{ id: 1, url: 'http://prosam/label-studio', project: 1 }] };
      return { status: 404 };
    });
    const { setup, mounted } = await start({
      labelStudio: { url: `${studio.url}/`, token: OWN_TOKEN, backendUrl: 'http://prosam/label-studio' },
    });
    const forwarded = { 'x-forwarded-host': `127.0.0.1:${there.port}`, referer: there.url, forwarded: `host=127.0.0.1:${there.port}` };
    for (const named of [{ hostname: there.url }, { hostname: 'x', extra_params: { hostname: there.url } }])
      expect((await setup(named, forwarded)).status).toBe(200);
    expect(mounted.connections.all().map(({ hostname, token }) => [hostname, token])).toEqual([[studio.url, OWN_TOKEN]]);
    await expect
      .poll(() => studio.heard.some(({ method, url }) => method === 'POST' && url.startsWith('/api/webhooks')), { timeout: 20_000 })
      .toBe(true);
    expect(studio.heard.every(({ headers }) => headers.authorization === `Token ${OWN_TOKEN}`)).toBe(true);
    const made = studio.heard.find(({ method }) => method === 'POST')?.body ?? '';
    expect(made).toContain(SECRETS[5]);
    expect(made).not.toContain(SECRETS[4]);
    expect(there.connections()).toBe(0);
  });

  it('that is configured and redirects does not take the credentials along', async () => {
    const there = await thief();
    const studio = await thief(() => ({ status: 307, headers: { location: `${there.url}/data/upload/1/a.png` } }));
    const { setup, call, mounted, lines } = await start({ labelStudio: { url: studio.url, token: OWN_TOKEN, reconcileMinutes: 0 } });
    expect((await setup({ hostname: there.url })).status).toBe(200);
    const task = { id: 1, data: { image: '/data/upload/1/a.png' }, meta: {}, annotations: [], predictions: [] };
    await call('/predict', { tasks: [task], project: PROJECT, label_config: CONFIG, params: { context: null } });
    await mounted.idle();
    await expect.poll(() => lines.some((line) => line.includes('redirects to'))).toBe(true);
    expect(studio.heard.map(({ url }) => url)).toContain('/data/upload/1/a.png');
    expect(there.connections()).toBe(0);
  });
});

describe('the picture of a task', () => {
  it('that lies with somebody else is read without credentials, and not at all inside', async () => {
    const there = await thief(undefined);
    const studio = await thief(({ url }) => (url.startsWith('/api/tasks') ? { json: { total: 0, tasks: [] } } : { status: 404 }));
    const allowed = { allowHosts: [hostAndPort(there.url)] };
    for (const images of [{}, allowed]) {
      const { setup, call, mounted } = await start({ images, labelStudio: { url: studio.url, token: OWN_TOKEN, reconcileMinutes: 0 } });
      await setup({ hostname: studio.url });
      const values = [`${there.url}/data/upload/1/a.png`, `http://localhost:${there.port}/data/upload/1/a.png`];
      for (const [id, image] of values.entries()) {
        // Somebody opens it: its picture is made ready for a click.
        const tasks = [{ id, data: { image }, meta: {}, annotations: [], predictions: [] }];
        expect((await call('/predict', { tasks, project: PROJECT, label_config: CONFIG, params: { context: null } })).status).toBe(200);
      }
      await mounted.idle();
      expect(there.connections() > 0).toBe(images === allowed);
    }
    expect(there.heard.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    for (const secret of [...SECRETS, TOLD_TOKEN]) expect(there.loot()).not.toContain(secret);
  });
});
