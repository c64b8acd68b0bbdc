/** Stored images that are lost or damaged, stores that take nothing, and projects with more labels than one request asks for. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Annotation, type Engine } from '../../../src/index.ts';
import { LIMITS } from '../../../src/core/common/limits.ts';
import { ProsamError } from '../../../src/core/common/errors.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import type { Blobs, Storage } from '../../../src/service/ports/storage.ts';
import { createService, type RunningService } from '../../../src/service/service.ts';
import { everyLabel } from '../../../src/service/every-label.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { expectRejection } from '../core/expect-error.ts';
import { otherWeights } from './other-weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-lost-'));
let engine: Engine;
let storage: Storage;
let service: RunningService;
/** What the object store does instead of putting. */
let putFails: (() => Promise<string>) | undefined;
let looksAtFiles = false;
let checkFails: (() => Promise<void>) | undefined;

beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
  const opened = await openStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  const blobs: Blobs = {
    ...opened.blobs,
    put: (bytes, options) => putFails?.() ?? opened.blobs.put(bytes, options),
    // The bytes lie as files of this machine.
    path: fileOf,
    check: () => checkFails?.() ?? Promise.resolve(),
  };
  storage = { ...opened, blobs };
  service = await start();
});
afterAll(async () => {
  await service.close();
  await engine.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Features of images stay in the engine's memory, so that lost files would not show. */
const predict: Engine['predict'] = (target, references, options) => {
  const isLost = looksAtFiles && references.some(({ image }) => typeof image === 'string' && !existsSync(image));
  if (isLost) return Promise.reject(new ProsamError('FILE_NOT_FOUND', 'expected a file, got none.'));
  return engine.predict(target, references, options);
};
const start = (): Promise<RunningService> =>
  createService({ engine: Object.create(engine, { predict: { value: predict } }) as Engine, storage, log: silentLog, pollMs: 50 });
async function restart(): Promise<void> {
  await service.close();
  service = await start();
}
const fileOf = (sha256: string): string => join(folder, 'blobs', sha256.slice(0, 2), sha256.slice(2, 4), sha256);

let last = 0;
async function picture(): Promise<Uint8Array> {
  const background = { r: 200, g: ++last % 256, b: last >> 8 };
  return new Uint8Array(await sharp({ create: { width: 64, height: 48, channels: 3, background } }).png().toBuffer()); // prettier-ignore
}
const square: Annotation = { polygon: [[10, 10], [40, 10], [40, 40], [10, 40]] }; // prettier-ignore

async function accepted(project: string, externalId: string, image: Uint8Array, label = 'cup'): Promise<string> {
  const request = { project, source: 'test', externalId, revision: 1, image, provenance: 'drawn' as const, masks: [{ label, ...square }] };
  return (await service.annotations.accept(request)).image.sha256;
}

/** As many bytes as before, others. */
async function damage(sha256: string): Promise<void> {
  const bytes = await readFile(fileOf(sha256));
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 255;
  await writeFile(fileOf(sha256), bytes);
}

const referencesOf = async (project: string): Promise<string[]> =>
  (await service.projects.get(project)).concepts.flatMap(({ references }) => references.map(({ sha256 }) => sha256)).sort();

describe('references that cannot be read', () => {
  it('are left out and reported, whether damaged before the first look or lost after it', async () => {
    const [one, two, three, target] = [await picture(), await picture(), await picture(), await picture()];
    const [a, b, c] = [await accepted('left', '1', one), await accepted('left', '2', two), await accepted('left', '3', three)];
    await damage(a);
    await restart();
    const first = await service.predictions.predict({ project: 'left', image: target });
    expect(first.masks.map(({ label }) => label)).toEqual(['cup']);
    expect(await referencesOf('left')).toEqual([b, c].sort());
    expect(first.version).toBe((await service.projects.get('left')).version);
    expect((await service.status()).problems.join()).toContain(a);
    // Verified and used, then lost: an engine that needs its file again does not find it.
    await rm(fileOf(b));
    looksAtFiles = true;
    const second = await service.predictions.predict({ project: 'left', image: await picture() });
    looksAtFiles = false;
    expect(second.masks).toHaveLength(1);
    expect(await referencesOf('left')).toEqual([c]);
    const { ready, problems } = await service.status();
    expect([ready, problems.join()]).toEqual([true, expect.stringContaining('2 images')]);

    // Sending the bytes again, with whatever, mends the file.
    await accepted('left', '1', one);
    await service.predictions.predict({ project: 'left', image: two });
    expect(
      createHash('sha256')
        .update(await readFile(fileOf(a)))
        .digest('hex'),
    ).toBe(a);
    expect(await referencesOf('left')).toEqual([a, b, c].sort());
    expect((await service.status()).problems).toEqual([]);
  });

  it('and are all there are say so instead of that there is none', async () => {
    const sha256 = await accepted('all', '1', await picture());
    await accepted('all', '2', await picture(), 'jug');
    await rm(fileOf(sha256));
    await restart();
    const target = await picture();
    await expectRejection('BLOB_DAMAGED', service.predictions.predict({ project: 'all', image: target, labels: ['cup'] }), 'cup');
    const both = await service.predictions.predict({ project: 'all', image: target });
    expect([both.masks.map(({ label }) => label), both.missing]).toEqual([['jug'], ['cup']]);
    expect(both.notices?.join()).toContain('cup');
  });

  it('are replaced by those further back, however many in front are lost', async () => {
    const hashes: string[] = [];
    for (let i = 0; i < 25; i++) hashes.push(await accepted('many', `${i}`, await picture()));
    // The newest are chosen first, from twenty candidates.
    for (const sha256 of hashes.slice(2)) await rm(fileOf(sha256));
    await restart();
    expect((await service.predictions.predict({ project: 'many', image: await picture() })).masks).toHaveLength(1);
    expect(await referencesOf('many')).toEqual(hashes.slice(0, 2).sort());
  });
});

describe('stores that take nothing', () => {
  it('cost no prediction: it says that it is not kept', async () => {
    await accepted('full', '1', await picture());
    putFails = () => Promise.reject(new ProsamError('STORAGE_FAILED', 'the folder /secret: no space left on device.'));
    const { masks, notices } = await service.predictions.predict({ project: 'full', image: await picture() });
    putFails = undefined;
    expect(masks).toHaveLength(1);
    expect(notices).toEqual([expect.stringContaining('STORAGE_FAILED')]);
    expect(notices?.join()).not.toContain('secret');
  });

  it('show in the status before somebody meets them', async () => {
    expect((await service.status()).failing).toEqual([]);
    checkFails = () => Promise.reject(new ProsamError('STORAGE_FAILED', 'the bucket is away.'));
    await restart();
    await expect.poll(async () => (await service.status()).failing, { timeout: 10_000 }).toEqual(['objects']);
    const { ready, problems } = await service.status();
    expect([ready, problems]).toEqual([true, ['the bucket is away.']]);
    checkFails = undefined;
    await restart();
    await expect.poll(async () => (await service.status()).failing).toEqual([]);
  });
});

describe('more labels than one request asks for', () => {
  it('are named where they were left out, and can all be asked for', async () => {
    const labels = Array.from({ length: LIMITS.labels + 5 }, (_, i) => `label ${String(i).padStart(3, '0')}`);
    const image = await picture();
    for (let from = 0; from < labels.length; from += 50) {
      const masks = labels.slice(from, from + 50).map((label) => ({ label, ...square }));
      await service.annotations.accept({
        ...{ project: 'wide', source: 'test', externalId: `${from}`, revision: 1, image, provenance: 'drawn', masks },
      });
    }
    const options = { method: 'nearest' as const };
    const request = { project: 'wide', image: await picture(), options };
    const { masks, omitted, notices, missing } = await service.predictions.predict(request);
    expect([masks.length, missing]).toEqual([LIMITS.labels, []]);
    expect(omitted).toEqual(labels.slice(LIMITS.labels));
    expect(notices?.join()).toContain('5 labels');
    for (const asked of [request, { ...request, labels }]) {
      const seen: string[] = [];
      for await (const one of everyLabel(service, asked)) seen.push(...one.masks.map(({ label }) => label));
      expect(seen).toEqual(labels);
    }
  }, 120_000);
});

describe('projects nobody has heard of', () => {
  it('leave nothing behind when they are asked for', async () => {
    const before = (await service.status()).serving.length;
    for (let i = 0; i < 20; i++) await service.projects.get(`unheard-${i}`);
    expect((await service.status()).serving).toHaveLength(before);
    expect(await service.projects.list()).not.toContain('unheard-1');
  });
});

describe('a rollback', () => {
  it('to a version whose weights are gone changes nothing', async () => {
    await accepted('back', '1', await picture());
    for (const [id, factor] of [
      ['v-old', 0.9],
      ['v-new', 0.8],
    ] as const) {
      const weights = await storage.blobs.put(otherWeights(factor));
      const run = { id: `run-${id}`, upTo: 0, leaseMs: 60_000, nowMs: 1 };
      await storage.store.runs.claim('back', 'test', run);
      const version = {
        ...{ id, project: 'back', runId: run.id, weights, baseModel: engine.info.model, data: 'd', seed: 1, code: 'test', createdMs: 1 },
        ...{ outcome: 'rejected' as const, reason: 'not tried', metrics: {} },
      };
      await storage.store.runs.finish(run.id, 'test', { state: 'rejected', reason: 'not tried', version, nowMs: 2 });
      await service.versions.promote('back', id, 'tried');
      if (id === 'v-old') await rm(fileOf(weights));
    }
    await restart();
    await expectRejection('BLOB_DAMAGED', service.projects.rollback('back', 'worse'), 'v-old');
    expect((await storage.store.versions.state('back')).current).toBe('v-new');
    expect((await service.predictions.predict({ project: 'back', image: await picture() })).encoderVersion).toBe('v-new');
  });
});
