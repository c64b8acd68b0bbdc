/** The list of images to label next, from real predictions of the built-in model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../../../src/index.ts';
import { silentLog } from '../../../../src/service/ports/log.ts';
import type { Storage } from '../../../../src/service/ports/storage.ts';
import { createService, type RunningService } from '../../../../src/service/service.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { drawnCup, shownScenes, type Shown } from '../shown-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-next-'));
let engine: Engine;
let storage: Storage;
let service: RunningService;
const scene = shownScenes(7000);

beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
  storage = await openStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  service = await createService({ engine, storage, log: silentLog });
});
afterAll(async () => {
  await service.close();
  await engine.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

async function predicted(project: string, { bytes }: Shown): Promise<string> {
  const { image } = await service.predictions.predict({ project, image: bytes });
  return image.sha256;
}

/** Written by now. */
const written = (project: string) => service.predictions.list({ project, limit: 1 });

describe('the list of images to label next', () => {
  it('says how like each is to those that are labeled or before it, and leaves out erased ones and those of others', async () => {
    await service.annotations.accept(drawnCup('p', '1', await scene()));
    await service.annotations.accept(drawnCup('other', '1', await scene()));
    const [labeled, ...scenes] = [await scene(), await scene(), await scene(), await scene()] as const;
    await predicted('p', labeled);
    await predicted('other', await scene());
    const hashes: string[] = [];
    for (const one of scenes) hashes.push(await predicted('p', one));
    await written('p');
    await service.annotations.accept(drawnCup('p', '2', labeled));
    const list = await service.projects.nextImages('p', { limit: 10 });
    expect(list.map(({ sha256 }) => sha256).sort()).toEqual(hashes.toSorted());
    for (const { uncertainty, presence, novelty } of list) {
      expect(uncertainty).toBeGreaterThanOrEqual(0);
      expect(presence).toBeGreaterThanOrEqual(0);
      expect(novelty).toBeGreaterThan(0);
      expect(novelty).toBeLessThan(1);
    }
    expect(await service.projects.nextImages('p', { limit: 2, offset: 1 })).toEqual(list.slice(1));
    await service.projects.eraseImage('p', hashes[0] as string);
    expect((await service.projects.nextImages('p', { limit: 10 })).map(({ sha256 }) => sha256).sort()).toEqual(hashes.slice(1).sort());
  });

  it('puts the second of two files with the same pixels last', async () => {
    await service.annotations.accept(drawnCup('twice', '1', await scene()));
    const [shown, different] = [await scene(), await scene()];
    const same = { ...shown, bytes: Uint8Array.from([...shown.bytes, 0]) };
    const pair = [await predicted('twice', shown), await predicted('twice', same)];
    await predicted('twice', different);
    await written('twice');
    const list = await service.projects.nextImages('twice', { limit: 10 });
    expect(pair).toContain(list.at(-1)?.sha256);
    expect(list.at(-1)?.novelty).toBeCloseTo(0, 5);
  });
});
