/** Erasure of an image by the whole service: rows, bytes and features, on the built-in model. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import type { Storage } from '../../../src/service/ports/storage.ts';
import { createEngine, type Engine } from '../../../src/index.ts';
import { createService, type RunningService } from '../../../src/service/service.ts';
import { expectRejection } from '../core/expect-error.ts';
import { until } from '../adapters/webhook/webhook-server.ts';
import { drawnCup, shownScenes, type Shown } from './shown-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-erasure-'));
const features = join(folder, 'features');
let engine: Engine;
let storage: Storage;
let service: RunningService;
/** The object store does not answer. */
let away = false;

const scene = shownScenes(7000);
const accept = (project: string, externalId: string, shown: Shown) => service.annotations.accept(drawnCup(project, externalId, shown));
const kept = (sha256: string): string[] => readdirSync(features).filter((name) => name.includes(sha256));

beforeAll(async () => {
  engine = await createEngine({ model: 'tiny', cacheDir: features });
  const opened = await openStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  const remove: Storage['blobs']['remove'] = (sha256) =>
    away ? Promise.reject(new ProsamError('STORAGE_FAILED', 'the disk is away.')) : opened.blobs.remove(sha256);
  storage = { ...opened, blobs: { ...opened.blobs, remove } };
  service = await createService({ engine, storage, log: silentLog, pollMs: 50 });
});
afterAll(async () => {
  await service.close();
  await engine.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an erased image', () => {
  it('is gone with its bytes, features, references and predictions, and predictions go on without it', async () => {
    const [one, two, target] = [await scene(), await scene(), await scene()];
    const { image } = await accept('a', '1', one);
    await accept('a', '2', two);
    const predict = () => service.predictions.predict({ project: 'a', image: target.bytes });
    const before = await predict();
    await until(() => Promise.resolve(kept(image.sha256).length > 0 || undefined));
    expect(await service.projects.eraseImage('a', image.sha256)).toEqual({ annotations: 1, predictions: 0, results: 0, versions: [] });
    expect(await storage.blobs.has(image.sha256)).toBe(false);
    expect(kept(image.sha256)).toEqual([]);
    await expectRejection('IMAGE_UNKNOWN', service.projects.imageBytes('a', image.sha256));
    const after = await predict();
    expect(after.version).not.toBe(before.version);
    expect((await service.projects.get('a')).concepts).toMatchObject([{ label: 'cup', masks: 1 }]);
    expect((await service.predictions.list({ project: 'a', limit: 9 })).map(({ sha256 }) => sha256)).toEqual([after.image.sha256]);
    expect((await service.projects.eraseImage('a', after.image.sha256))?.predictions).toBe(1);
    expect(await service.projects.eraseImage('a', image.sha256)).toBeUndefined();
    // Whoever sends it again begins anew.
    expect(await accept('a', '1', one)).toMatchObject({ outcome: 'stored' });
    expect(await storage.blobs.has(image.sha256)).toBe(true);
  });

  it('stays in another project, with its bytes and features', async () => {
    const one = await scene();
    const { image } = await accept('b', '1', one);
    await accept('c', '1', one);
    await service.predictions.prepare({ project: 'b', image: { sha256: image.sha256 } });
    await until(() => Promise.resolve(kept(image.sha256).length > 0 || undefined));
    await service.projects.eraseImage('b', image.sha256);
    await expectRejection('IMAGE_UNKNOWN', service.projects.imageBytes('b', image.sha256));
    expect(Buffer.compare(await service.projects.imageBytes('c', image.sha256), one.bytes)).toBe(0);
    expect(kept(image.sha256)).not.toEqual([]);
  });

  it('loses its bytes later where the object store is away, also to another process', async () => {
    const { image } = await accept('d', '1', await scene());
    away = true;
    expect(await service.projects.eraseImage('d', image.sha256)).toMatchObject({ annotations: 1 });
    await expectRejection('IMAGE_UNKNOWN', service.projects.imageBytes('d', image.sha256));
    expect(await storage.blobs.has(image.sha256)).toBe(true);
    away = false;
    const other = await createService({ engine, storage, log: silentLog, pollMs: 50 });
    await until(async () => (await storage.store.images.erasures({ unsettled: true, limit: 9 })).length === 0 || undefined);
    expect(await storage.blobs.has(image.sha256)).toBe(false);
    await other.close();
  });
});
