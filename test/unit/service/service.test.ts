/** The service on the built-in model, a real database and real files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import { noMetrics } from '../../../src/service/ports/metrics.ts';
import type { Storage } from '../../../src/service/ports/storage.ts';
import type { EngineWorker } from '../../../src/core/engine/types.ts';
import { createEngine, type Annotation, type Engine } from '../../../src/index.ts';
import type { AcceptRequest } from '../../../src/service/types.ts';
import { createService, type RunningService } from '../../../src/service/service.ts';
import { expectRejection } from '../core/expect-error.ts';
import { until } from '../core/runtime/processes.ts';
import { otherWeights } from './other-weights.ts';
import { drawnCup, shownScenes } from './shown-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-service-'));
let engine: Engine;
let storage: Storage;
let service: RunningService;
let nowMs = 1_000_000;
const measured: number[] = [];
/** What an adapter wants people to know. */
const told: string[] = [];

const scene = shownScenes(5000);
const corners = (x0: number, y0: number, x1: number, y1: number) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]; // prettier-ignore

beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
  storage = await openStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  const metrics = { ...noMetrics, engineWorker: ({ replacements }: { replacements: number }) => void measured.push(replacements) };
  service = await createService({ engine, storage, metrics, log: silentLog, pollMs: 50, now: () => nowMs++, problems: () => told });
});
afterAll(async () => {
  await service.close();
  await engine.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A version as the learner would have stored it. */
async function storeVersion(project: string, id: string, weights: Uint8Array): Promise<void> {
  const blob = await storage.blobs.put(weights);
  const run = await storage.store.runs.claim(project, 'test', { id: `run-${id}`, upTo: 0, leaseMs: 60_000, nowMs });
  const version = {
    ...{ id, project, runId: `run-${id}`, weights: blob, baseModel: engine.info.model, data: 'd', seed: 1, code: 'test', createdMs: nowMs },
    ...{ outcome: 'rejected' as const, reason: 'not tried', metrics: {} },
  };
  const stored = await storage.store.runs.finish(run?.id as string, 'test', { state: 'rejected', reason: 'not tried', version, nowMs });
  expect(stored).toBe(true);
}

describe('what people accept', () => {
  it('is a reference at once, under a version string that says so', async () => {
    const target = await scene();
    await expectRejection('REFERENCE_MISSING', service.predictions.predict({ project: 'a', image: target.bytes }), 'none');
    const first = await service.annotations.accept(drawnCup('a', '1', await scene()));
    expect(first).toMatchObject({ outcome: 'stored', masks: [{ label: 'cup' }] });
    const one = await service.predictions.predict({ project: 'a', image: target.bytes });
    expect(one.masks.map(({ label }) => label)).toEqual(['cup']);
    expect(one.version).toBe((await service.projects.get('a')).version);

    await service.annotations.accept(drawnCup('a', '2', await scene()));
    const two = await service.predictions.predict({ project: 'a', image: target.bytes });
    expect(two.version).not.toBe(one.version);
    expect(await service.annotations.delete({ project: 'a', source: 'test', externalId: '2' })).toBe(true);
    const again = await service.predictions.predict({ project: 'a', image: target.bytes });
    expect(again.version).toBe(one.version);
    expect(again.masks[0]?.mask.data).toEqual(one.masks[0]?.mask.data);
  });

  it('is stored once, and a revision never changes', async () => {
    const shown = await scene();
    expect((await service.annotations.accept(drawnCup('b', '1', shown))).outcome).toBe('stored');
    expect((await service.annotations.accept(drawnCup('b', '1', shown))).outcome).toBe('duplicate');
    await expectRejection(
      'ANNOTATION_CONFLICT',
      service.annotations.accept(drawnCup('b', '1', { ...shown, mark: { polygon: corners(1, 1, 99, 99) } })),
    );
    await service.annotations.accept(drawnCup('b', '1', { ...shown, mark: { polygon: corners(1, 1, 99, 99) } }, { revision: 2 }));
    expect(await service.annotations.list('b', { limit: 10 })).toMatchObject([{ revision: 2, labels: [{ label: 'cup', area: 98 * 98 }] }]);
  });

  it('joins the annotations of a label, and lets SAM grow points', async () => {
    const shown = await scene();
    const boxes = drawnCup('c', '1', shown, {
      masks: [
        { label: 'x', polygon: corners(0, 0, 10, 10) },
        { label: 'x', polygon: [[[5, 5], [15, 5], [15, 15], [5, 15]]] }, // prettier-ignore
        { label: 'y', points: [[128, 128]] },
      ],
    });
    const { masks } = await service.annotations.accept(boxes);
    expect(masks[0]).toEqual({ label: 'x', area: 100 + 100 - 25 });
    expect(masks[1]?.area).toBeGreaterThan(1);
  });

  it('of strokes over an object, of points on it and of a box around it is the object', async () => {
    const [width, height, radius] = [256, 256, 50];
    const disc = (x: number, y: number): boolean => Math.hypot(x - 128, y - 128) < radius;
    const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
      const at = Math.floor(i / 3);
      return disc(at % width, Math.floor(at / width)) ? [220, 60, 40][i % 3] as number : [40, 90, 60][i % 3] as number; // prettier-ignore
    });
    const bytes = new Uint8Array(await sharp(data, { raw: { width, height, channels: 3 } }).png().toBuffer()); // prettier-ignore
    const path = [[105, 110], [128, 128], [150, 145]]; // prettier-ignore
    const stroke = new Uint8Array(width * height);
    for (let i = 0; i < 40; i++) stroke.fill(1, (108 + i) * width + 108 + i, (108 + i) * width + 112 + i);
    for (const mark of [
      { scribble: path, width: 4 },
      { scribble: { data: stroke, width, height } },
      { points: path },
      { box: [78, 78, 178, 178] },
    ] satisfies Annotation[]) {
      const { masks } = await service.annotations.accept(drawnCup('strokes', JSON.stringify(mark).slice(0, 20), { bytes, mark }));
      const area = Math.PI * radius ** 2;
      expect(masks[0]?.area, Object.keys(mark)[0]).toBeGreaterThan(0.5 * area);
      expect(masks[0]?.area, Object.keys(mark)[0]).toBeLessThan(1.7 * area);
    }
  });

  it('is refused with what is wrong, and nothing of it is kept', async () => {
    const shown = await scene();
    const refused = (more: Partial<AcceptRequest>) => service.annotations.accept(drawnCup('d', '1', shown, more));
    await expectRejection('PROJECT_INVALID', refused({ project: '../d' }), '../d');
    await expectRejection('REQUEST_INVALID', refused({ externalId: 'a\u0000b' }), 'externalId');
    await expectRejection('REQUEST_INVALID', refused({ revision: -1 }), 'revision');
    await expectRejection('MASK_EMPTY', refused({ masks: [] }));
    await expectRejection('REQUEST_INVALID', refused({ provenance: 'rejected' }), 'rejected');
    await expectRejection('MASK_SIZE_MISMATCH', refused({ masks: [{ label: 'x', rle: { size: [9, 9], counts: [0, 81] } }] })); // prettier-ignore
    await expectRejection('ANNOTATION_INVALID', refused({ masks: [{ label: 'x', mask: '/etc/passwd' }] }), 'bytes');
    await expectRejection('IMAGE_UNREADABLE', refused({ image: new Uint8Array([1, 2, 3]) }));
    await expectRejection('IMAGE_UNREADABLE', refused({ image: shown.bytes.slice(0, 2000) }));
    await expectRejection('IMAGE_UNKNOWN', refused({ image: { sha256: '0'.repeat(64) } }));
    expect(await service.annotations.list('d', { limit: 10 })).toEqual([]);
    expect((await service.projects.get('d')).images).toBe(0);
  });

  it('says that somebody looked, where it rejects', async () => {
    const target = await scene();
    await service.annotations.accept(drawnCup('e', '1', await scene()));
    const { image } = await service.predictions.predict({ project: 'e', image: target.bytes, externalId: 'shelf/7' });
    await service.predictions.list({ project: 'e', limit: 1 }); // written by now
    expect(await service.projects.nextImages('e', { limit: 10 })).toMatchObject([{ sha256: image.sha256, externalId: 'shelf/7' }]);
    await service.annotations.accept(drawnCup('e', '2', target, { provenance: 'rejected', masks: [] }));
    expect(await service.projects.nextImages('e', { limit: 10 })).toEqual([]);
    expect((await service.projects.get('e')).masks).toBe(1);
  });
});

describe('projects', () => {
  it('know nothing of each other', async () => {
    const shown = await scene();
    const { image } = await service.annotations.accept(drawnCup('f', '1', shown));
    await expectRejection('REFERENCE_MISSING', service.predictions.predict({ project: 'g', image: shown.bytes }));
    await expectRejection('IMAGE_UNKNOWN', service.projects.imageBytes('g', image.sha256));
    await expectRejection('IMAGE_UNKNOWN', service.predictions.predict({ project: 'g', image: { sha256: image.sha256 } }));
    expect(await service.projects.imageBytes('f', image.sha256)).toEqual(Buffer.from(shown.bytes));
    await storeVersion('f', 'v-of-f', otherWeights(0.5));
    await expectRejection('VERSION_NOT_FOUND', service.versions.promote('g', 'v-of-f', 'no'));
  });

  it('remember nothing they were asked not to', async () => {
    await service.annotations.accept(drawnCup('h', '1', await scene()));
    await service.predictions.predict({ project: 'h', image: (await scene()).bytes, remember: false });
    expect(await service.predictions.list({ project: 'h', limit: 10 })).toEqual([]);
    expect((await service.projects.get('h')).images).toBe(1);
  });
});

describe('versions', () => {
  it('take over between two requests, and every answer says which one it is from', async () => {
    await service.annotations.accept(drawnCup('v', '1', await scene()));
    const target = await scene();
    const predict = (encoderVersion?: string) =>
      service.predictions.predict({
        project: 'v',
        image: target.bytes,
        options: { method: 'prosam' },
        remember: false,
        ...(encoderVersion && { encoderVersion }),
      });
    const base = await predict();
    expect(base.encoderVersion).toBe('base');
    await storeVersion('v', 'v-half', otherWeights(0.5));
    const asked = await predict('v-half');
    expect(asked.encoderVersion).toBe('v-half');
    expect((await predict()).encoderVersion).toBe('base');

    // Requests without a pause while the pointer moves to and fro: none fails, and each fits the version it names.
    const masks = new Map([
      ['base', base.masks[0]?.lowResLogits],
      ['v-half', asked.masks[0]?.lowResLogits],
    ]);
    const seen = new Set<string>();
    let on = true;
    const clients = [1, 2, 3, 4].map(async () => {
      while (on) {
        const { encoderVersion, masks: got } = await predict();
        seen.add(encoderVersion);
        expect(got[0]?.lowResLogits).toEqual(masks.get(encoderVersion));
      }
    });
    for (let i = 0; i < 6; i++) {
      await service.versions.promote('v', i % 2 === 0 ? 'v-half' : 'base', 'to and fro');
      expect((await predict()).encoderVersion).toBe(i % 2 === 0 ? 'v-half' : 'base');
    }
    on = false;
    await Promise.all(clients);
    expect(seen).toEqual(new Set(['base', 'v-half']));
  });

  it('leave the old one answering where the new one is broken, and say why', async () => {
    await service.annotations.accept(drawnCup('w', '1', await scene()));
    await storeVersion('w', 'v-broken', otherWeights(NaN));
    await expectRejection('CHECKPOINT_INVALID', service.versions.promote('w', 'v-broken', 'by mistake'), 'finite');
    // Somebody else promoted it all the same, on another machine.
    await storage.store.versions.promote('w', 'v-broken', 'by mistake', nowMs);
    const target = await scene();
    await service.predictions.predict({ project: 'w', image: target.bytes });
    await expect.poll(async () => (await service.status()).problems.length).toBe(1);
    expect((await service.predictions.predict({ project: 'w', image: target.bytes })).encoderVersion).toBe('base');
    expect((await service.status()).problems).toEqual([expect.stringContaining('v-broken could not be put into service')]);
    expect(service.errors().some(({ code }) => code === 'CHECKPOINT_INVALID')).toBe(true);
    service.note('w', new Error('no connection of w'));
    service.note('z', new Error('no connection of z'));
    told.push('three shapes of any project wait for review');
    const problems = async (visible?: (project: string) => boolean) => (await service.status(visible)).problems.join();
    expect(await problems((project) => project === 'w')).toMatch(/^project w: version v-broken.*,w: no connection of w$/);
    expect(await problems((project) => project === 'z')).toBe('z: no connection of z');
    expect((await service.status((project) => project === 'z')).serving).toEqual([]);
    for (const where of ['w', 'z']) service.note(where, undefined);
    await service.projects.rollback('w', 'broken');
    expect(await service.status()).toMatchObject({ ready: true, problems: told });
    told.length = 0;
    expect(await problems()).toBe('');
    await expectRejection('VERSION_NOT_FOUND', service.projects.rollback('w', 'further'), 'earlier');
  });

  it('are noticed when another process puts them into service', async () => {
    await service.annotations.accept(drawnCup('x', '1', await scene()));
    const target = await scene();
    await service.predictions.predict({ project: 'x', image: target.bytes });
    await storeVersion('x', 'v-elsewhere', otherWeights(0.9));
    await storage.store.versions.promote('x', 'v-elsewhere', 'elsewhere', nowMs);
    const served = async () => (await service.status()).serving.find(({ project }) => project === 'x')?.encoderVersion;
    while ((await served()) !== 'v-elsewhere') await new Promise((resume) => setTimeout(resume, 20));
    expect(await served()).toBe('v-elsewhere');
  });
});

describe('a worker that dies', () => {
  it('makes the service wait, not fail, and is told to those who look after it', async () => {
    await service.annotations.accept(drawnCup('y', '1', await scene()));
    const target = await scene();
    const worker = engine.worker as EngineWorker;
    const pid = worker.pid as number;
    const replaced = worker.replacements;
    process.kill(pid, 'SIGKILL');
    await until(() => !worker.ready || worker.pid !== pid);
    const { ready, problems } = await service.status();
    expect(ready).toBe(worker.ready);
    if (!ready) expect(problems).toEqual([expect.stringContaining('started again: the inference worker was killed by SIGKILL')]);
    const { masks } = await service.predictions.predict({ project: 'y', image: target.bytes });
    expect(masks).toHaveLength(1);
    expect(worker.replacements).toBe(replaced + 1);
    expect(await service.status()).toMatchObject({ ready: true, problems: [] });
    const told = () => service.errors().find(({ where }) => where === 'engine');
    await until(() => told() !== undefined);
    expect(told()).toMatchObject({ code: 'ENGINE_CRASHED', message: 'the inference worker was killed by SIGKILL' });
    expect(measured).toContain(replaced + 1);
  });
});
