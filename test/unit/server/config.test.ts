import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { USUAL_TIMEOUTS } from '../../../src/storage/timeouts.ts';
import { loadConfig, printableConfig } from '../../../src/server/config.ts';
import { editDistance } from '../../../src/server/suggest.ts';
import { expectRejection } from '../core/expect-error.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-config-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(root, `${count++}-`));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
const none = { environment: {} };

describe('the configuration', () => {
  it('has defaults that any machine can run with', async () => {
    const settings = await loadConfig({ ...none, folder: folderWith({}) });
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 9090,
      database: 'prosam/prosam.db',
      objects: 'prosam/blobs',
      model: 'small',
    });
    expect(Object.isFrozen(settings.learner)).toBe(true);
  });

  it('reads the keys of the engine as 0.1.0 had them', async () => {
    const folder = folderWith({ 'prosam.config.json': JSON.stringify({ hangMs: 5000, threads: 0 }) });
    expect(await loadConfig({ ...none, folder })).toMatchObject({ inferenceTimeoutMs: 5000, threads: 'auto' });
    expect(await loadConfig({ ...none, folder, options: { inferenceTimeoutMs: 7000, threads: 3 } })).toMatchObject({
      inferenceTimeoutMs: 7000,
      threads: 3,
    });
    expect((await loadConfig({ folder, environment: { PROSAM_THREADS: '2' } })).threads).toBe(2);
    expect((await loadConfig({ folder, environment: { PROSAM_THREADS: 'auto' } })).threads).toBe('auto');
  });

  it('takes options over environment over file over defaults, key by key', async () => {
    const folder = folderWith({
      'prosam.config.json': JSON.stringify({ port: 1, host: '127.0.0.2', limits: { waiting: 7, deadlineMs: 1000 } }),
    });
    const environment = { PROSAM_PORT: '2', PROSAM_MODEL: 'other', PROSAM_ALLOW_HOSTS: 'a, b:80' };
    const settings = await loadConfig({ folder, environment, options: { port: 3, limits: { waiting: 8 } } });
    expect(settings).toMatchObject({ port: 3, host: '127.0.0.2', model: 'other', limits: { waiting: 8, deadlineMs: 1000 } });
    expect(settings.images.allowHosts).toEqual(['a', 'b:80']);
  });

  it('sets time-outs of the storage one by one, from the environment too', async () => {
    const folder = folderWith({});
    const environment = { PROSAM_STORAGE_TIMEOUTS: 'lockMs=5000, objectMs = 120000' };
    const { storageTimeouts } = await loadConfig({ folder, environment, options: { storageTimeouts: { lockMs: 700 } } });
    expect(storageTimeouts).toEqual({ ...USUAL_TIMEOUTS, lockMs: 700, objectMs: 120_000 });
    for (const [wrong, named] of [
      ['lockMs=soon', 'lockMs'],
      ['lockMs', 'lockMs'],
      ['lokMs=1000', 'Did you mean lockMs'],
      ['lockMs=0', 'lockMs'],
    ] as const)
      // prettier-ignore
      await expectRejection('CONFIG_INVALID', loadConfig({ folder, environment: { PROSAM_STORAGE_TIMEOUTS: wrong } }), named);
  });

  it('reads what was written for 0.1.0', async () => {
    const old = {
      ...{ hangMs: 5000, threads: 0, learner: { run: 'elsewhere', steps: 3 }, labelStudio: { root: true } },
      cvat: { root: true, mountAtRoot: false },
    };
    const folder = folderWith({ 'prosam.config.json': JSON.stringify(old) });
    expect(await loadConfig({ ...none, folder, options: { labelStudio: { name: 'ls' } } })).toMatchObject({
      ...{ inferenceTimeoutMs: 5000, threads: 'auto', learner: { run: 'external', steps: 3 } },
      ...{ labelStudio: { mountAtRoot: true, name: 'ls' }, cvat: { mountAtRoot: false } },
    });
    expect((await loadConfig({ folder, environment: { PROSAM_LEARNER: 'child' } })).learner.run).toBe('managed');
    expect((await loadConfig({ folder, environment: { PROSAM_THREADS: '2' } })).threads).toBe(2);
    expect((await loadConfig({ folder, environment: { PROSAM_THREADS: 'auto' } })).threads).toBe('auto');
    // An option of today wins over a file of then.
    expect((await loadConfig({ ...none, folder, options: { inferenceTimeoutMs: 7000 } })).inferenceTimeoutMs).toBe(7000);
  });

  it.each(['ts', 'js'])('reads prosam.config.%s', async (extension) => {
    const folder = folderWith({ [`prosam.config.${extension}`]: 'export default { port: 4321 };', 'package.json': '{"type":"module"}' });
    expect((await loadConfig({ ...none, folder })).port).toBe(4321);
  });

  it('names the key that was meant', async () => {
    await expectRejection('CONFIG_INVALID', loadConfig({ ...none, options: { prot: 1 } as never }), 'prot', 'Did you mean port');
    await expectRejection('CONFIG_INVALID', loadConfig({ ...none, options: { learner: { stpes: 1 } } as never }), 'Did you mean steps');
    await expectRejection(
      'CONFIG_INVALID',
      loadConfig({ ...none, options: { auth: { tokens: [{ name: 'a', tokn: 'x' }] } } as never }),
      'auth.tokens.0.tokn',
      'Did you mean token',
    );
    await expectRejection('CONFIG_INVALID', loadConfig({ environment: { PROSAM_DATABSE: 'x' } }), 'Did you mean PROSAM_DATABASE');
  });

  it('lists every problem with its place', async () => {
    const folder = folderWith({ 'prosam.config.json': '{"port":"x","limits":{"clientShare":3}}' });
    await expectRejection('CONFIG_INVALID', loadConfig({ ...none, folder }), 'port', 'limits.clientShare', 'prosam.config.json');
    await expectRejection('CONFIG_INVALID', loadConfig({ ...none, folder: folderWith({ 'prosam.config.json': '{' }) }), 'cannot be read');
    await expectRejection(
      'CONFIG_INVALID',
      loadConfig({ ...none, folder: folderWith({ 'prosam.config.js': 'export const a = 1' }) }),
      'default export',
    );
  });

  it('does not listen where others can reach it without credentials', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example'])
      await expectRejection('CONFIG_INVALID', loadConfig({ ...none, options: { host } }), host, 'PROSAM_TOKEN');
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) await loadConfig({ ...none, options: { host } });
    expect((await loadConfig({ environment: { PROSAM_HOST: '0.0.0.0', PROSAM_TOKEN: 'a-secret-of-some-length' } })).host).toBe('0.0.0.0');
  });

  it('prints no secret', async () => {
    const settings = await loadConfig({
      environment: { PROSAM_TOKEN: 'a-secret-of-some-length', PROSAM_DATABASE: 'postgres://me:pass-word@db/prosam' },
      options: { callbacks: { secret: 'another-secret-here' }, objects: 's3://bucket/a?secretKey=hush-hush' },
    });
    const text = printableConfig(settings);
    for (const secret of ['a-secret-of-some-length', 'pass-word', 'another-secret-here', 'hush-hush']) expect(text).not.toContain(secret);
    expect(JSON.parse(text)).toMatchObject({ auth: { tokens: [{ name: 'environment', token: '(hidden)' }] } });
    expect(text).toContain('@db/prosam');
  });
});

describe('editDistance', () => {
  it('counts insertions, deletions and changes', () => {
    expect([editDistance('', 'abc'), editDistance('kitten', 'sitting'), editDistance('port', 'prot'), editDistance('a', 'a')]).toEqual([
      3, 3, 2, 0,
    ]);
  });
});
