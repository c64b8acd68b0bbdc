import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { EncodedPart } from '../../../../../src/core/engine/image-features.ts';
import { diskFeatureCache } from '../../../../../src/core/runtime/node/disk-feature-cache.ts';
import { openEngine } from '../../../../../src/core/runtime/node/open-engine.ts';
import { generateScene } from '../../../../../src/scenes/index.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-cache-'));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function part(seed: number): EncodedPart {
  const tensor = (size: number) => ({
    data: Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i)),
    shape: [1, size / 4, 2, 2],
  });
  return { width: 30 + seed, height: 20, tensors: { mid: tensor(32), high: tensor(64) } };
}

describe('the disk cache of features', () => {
  it('gives back what was put', async () => {
    const cache = diskFeatureCache(folder, 1e9);
    const value = part(3);
    await cache.put('a', value);
    expect(await cache.get('a')).toEqual(value);
    expect(await cache.get('b')).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['a.features']);
  });

  it('drops the least recently used beyond its budget', async () => {
    const size = await (async () => {
      await diskFeatureCache(folder, 1e9).put('old', part(1));
      return statSync(join(folder, 'old.features')).size;
    })();
    await diskFeatureCache(folder, 1e9).put('used', part(2));
    const past = new Date(Date.now() - 60_000);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), past, past);
    const cache = diskFeatureCache(folder, 2.5 * size);
    await cache.get('used');
    await cache.put('new', part(4));
    expect(readdirSync(folder).sort()).toEqual(['new.features', 'used.features']);
  });

  it('refuses a damaged file', async () => {
    const cache = diskFeatureCache(folder, 1e9);
    mkdirSync(folder);
    writeFileSync(join(folder, 'bad.features'), 'not features');
    await expect(cache.get('bad')).rejects.toThrow();
  });

  it('serves a second engine without running the encoder, and survives damage', async () => {
    const { image, width, height } = generateScene(5);
    const pixels = { data: image, width, height, channels: 3 as const };
    const embedOnce = async (): Promise<number> => {
      const engine = await openEngine({ model: 'tiny', cacheDir: folder });
      const { milliseconds } = await engine.prepare(pixels);
      await engine.close();
      return milliseconds.embed as number;
    };
    await embedOnce();
    const [file] = readdirSync(folder) as [string];
    const written = statSync(join(folder, file)).mtimeMs;
    await embedOnce();
    expect(readdirSync(folder)).toEqual([file]);
    expect(statSync(join(folder, file)).mtimeMs).toBeGreaterThanOrEqual(written);
    writeFileSync(join(folder, file), 'damaged');
    await embedOnce();
    expect(statSync(join(folder, file)).size).toBeGreaterThan(1000);
  });
});
