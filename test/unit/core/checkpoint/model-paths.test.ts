import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  addedModels,
  builtInModels,
  cacheFolder,
  isModelName,
  modelFolder,
  modelsFolder,
} from '../../../../src/core/checkpoint/model-paths.ts';
import { expectCode } from '../expect-error.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-place-'));
const own = process.env['PROSAM_MODELS'];
const restore = (): void => {
  if (own === undefined) Reflect.deleteProperty(process.env, 'PROSAM_MODELS');
  else process.env['PROSAM_MODELS'] = own;
};
afterEach(restore);
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('models lie', () => {
  it.each([
    ['linux', {}, '/home/me/.local/share/prosam/models', '/home/me/.cache/prosam'],
    ['linux', { XDG_DATA_HOME: '/data', XDG_CACHE_HOME: '/quick' }, '/data/prosam/models', '/quick/prosam'],
    ['linux', { XDG_DATA_HOME: 'relative', XDG_CACHE_HOME: '' }, '/home/me/.local/share/prosam/models', '/home/me/.cache/prosam'],
    ['darwin', {}, '/home/me/Library/Application Support/prosam/models', '/home/me/Library/Caches/prosam'],
    ['win32', { LOCALAPPDATA: '/local' }, '/local/prosam/models', '/local/prosam/cache'],
    ['win32', {}, '/home/me/AppData/Local/prosam/models', '/home/me/AppData/Local/prosam/cache'],
  ] as const)('on %s with %j in %s', (platform, env, models, cache) => {
    const here = { platform, env, home: '/home/me' };
    expect([modelsFolder(here), cacheFolder(here)]).toEqual([models, cache]);
    expect(modelsFolder({ ...here, env: { ...env, PROSAM_MODELS: 'mine' } })).toBe(resolve('mine'));
  });
});

describe('a name', () => {
  it('is that of a built-in model first, then of one that was added, then a path', () => {
    process.env['PROSAM_MODELS'] = join(root, 'models');
    for (const name of ['tiny', 'mine']) {
      mkdirSync(join(root, 'models', name), { recursive: true });
      writeFileSync(join(root, 'models', name, 'manifest.json'), '{}');
    }
    mkdirSync(join(root, 'models', 'half'));
    mkdirSync(join(root, 'models', '.mine.1-0.new'));
    expect(builtInModels()).toEqual(['small', 'tiny']);
    expect(addedModels()).toEqual(['mine', 'tiny']);
    expect(modelFolder('tiny')).toBe(resolve('models/tiny'));
    expect(modelFolder('mine')).toBe(join(root, 'models', 'mine'));
    expect(modelFolder(root)).toBe(root);
    for (const name of ['none', 'half', '../models', '', '.mine.1-0.new', 'mine/../mine'])
      expectCode('MODEL_NOT_FOUND', () => modelFolder(name), 'Models here: small, tiny, mine', 'prosam models pull');
  });

  it('of nothing that was ever added is told with the built-in ones', () => {
    process.env['PROSAM_MODELS'] = join(root, 'nowhere');
    expectCode('MODEL_NOT_FOUND', () => modelFolder('sam-vit-b'), 'Models here: small, tiny.');
  });

  it.each(['a', 'sam-vit-b', 'A.b_c-1', '0'])('may be %s', (name) => {
    expect(isModelName(name)).toBe(true);
  });
  it.each(['', '.', '..', '.a', '-a', 'a/b', 'a\\b', 'a b', 'a:b', 'com1', 'LPT9.x', 'a.', 'a\n', 'x'.repeat(101)])(
    'may not be %j',
    (name) => {
      expect(isModelName(name)).toBe(false);
    },
  );
});
