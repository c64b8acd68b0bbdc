import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hubCache, hubSettings } from '../../../../../src/core/models/hub/settings.ts';
import { expectRejection } from '../../expect-error.ts';

const home = mkdtempSync(join(tmpdir(), 'prosam-hub-home-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const of = (env: Record<string, string>) => hubSettings({ env, home });

describe('the settings of the hub', () => {
  it('are those of its other tools', async () => {
    expect(await of({})).toMatchObject({
      endpoint: 'https://huggingface.co',
      token: undefined,
      offline: false,
      cache: join(home, '.cache/huggingface/hub'),
    });
    expect((await of({ HF_ENDPOINT: 'https://mirror.example/hf//' })).endpoint).toBe('https://mirror.example/hf');
  });

  it.each([
    [{ XDG_CACHE_HOME: '/quick' }, '/quick/huggingface/hub'],
    [{ HF_HOME: '/models' }, '/models/hub'],
    [{ HF_HOME: '~/models' }, join(home, 'models/hub')],
    [{ HF_HOME: '/models', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '$DISK/new', DISK: '/disk' }, '/disk/new'],
    [{ HF_HUB_CACHE: '${DISK}/new', DISK: '/disk' }, '/disk/new'],
    [{ HF_HUB_CACHE: '' }, join(home, '.cache/huggingface/hub')],
  ])('with %j keep the cache in %s', (env, folder) => {
    expect(hubCache(env as Record<string, string>, home)).toBe(folder);
  });

  it('find the token in the environment, then in its file', async () => {
    mkdirSync(join(home, 'hf'));
    writeFileSync(join(home, 'hf', 'token'), 'from-file\n');
    expect((await of({ HF_HOME: join(home, 'hf') })).token).toBe('from-file');
    expect((await of({ HF_HOME: join(home, 'hf'), HF_TOKEN: ' from-env\n' })).token).toBe('from-env');
    expect((await of({ HUGGING_FACE_HUB_TOKEN: 'older' })).token).toBe('older');
    expect((await of({ HF_TOKEN_PATH: join(home, 'hf/token') })).token).toBe('from-file');
    expect((await of({ HF_TOKEN: '', HF_HOME: '/nowhere' })).token).toBeUndefined();
  });

  it.each([
    ['1', true],
    ['TRUE', true],
    ['on', true],
    ['yes', true],
    ['0', false],
    ['', false],
    ['off', false],
  ])('HF_HUB_OFFLINE=%s is %s', async (value, offline) => {
    expect((await of({ HF_HUB_OFFLINE: value })).offline).toBe(offline);
    expect((await of({ TRANSFORMERS_OFFLINE: value })).offline).toBe(offline);
    expect((await hubSettings({ env: {}, home, offline: true })).offline).toBe(true);
  });

  it('refuse a token that cannot be one, without repeating it', async () => {
    for (const token of ['two words', 'line\nbreak', 'spät']) {
      const { message } = await expectRejection('OPTION_INVALID', of({ HF_TOKEN: token }), 'HF_TOKEN');
      expect(message).not.toContain(token);
    }
  });

  it.each(['huggingface.co', 'ftp://hub.example', 'https://me:password@hub.example', 'https://'])(
    'refuse the endpoint %s without repeating it',
    async (endpoint) => {
      const { message } = await expectRejection('OPTION_INVALID', of({ HF_ENDPOINT: endpoint }), 'HF_ENDPOINT');
      expect(message).not.toContain('password');
    },
  );
});
