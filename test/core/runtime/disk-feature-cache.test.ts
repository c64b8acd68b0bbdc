import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageFeatures } from '../../../src/core/features.ts';
import { diskFeatureCache } from '../../../src/core/runtime/disk-feature-cache.ts';
import { openEngine } from '../../../src/core/runtime/open-engine.ts';
import { generateScene } from '../../../src/scenes/index.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-cache-'));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function features(seed: number, withState = false): ImageFeatures {
  const tensor = (size: number) => ({
    data: Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i)),
    shape: [1, size / 4, 2, 2],
  });
  const embedding = tensor(16);
  return {
    key: `k${seed}`,
    width: 30 + seed,
    height: 20,
    embedding,
    mid: tensor(32),
    high: withState ? tensor(64) : embedding,
    ...(withState && { state: tensor(8) }),
  };
}

describe('the disk cache of features', () => {
  it.each([false, true])('gives back what was put (own backbone: %s)', async (withState) => {
    const cache = diskFeatureCache(folder, 1e9);
    const value = features(3, withState);
    await cache.put('a', value);
    expect(await cache.get('a')).toEqual(value);
    expect(await cache.get('b')).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['a.features']);
  });

  it('drops the least recently used beyond its budget', async () => {
    const size = await (async () => {
      await diskFeatureCache(folder, 1e9).put('old', features(1));
      return statSync(join(folder, 'old.features')).size;
    })();
    await diskFeatureCache(folder, 1e9).put('used', features(2));
    const past = new Date(Date.now() - 60_000);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), past, past);
    const cache = diskFeatureCache(folder, 2.5 * size);
    await cache.get('used');
    await cache.put('new', features(4));
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
      const engine = await openEngine({ cacheDir: folder });
      const { milliseconds } = await engine.embed(pixels);
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
