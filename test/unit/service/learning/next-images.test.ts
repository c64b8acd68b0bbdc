/** The list of images to label next, from real predictions of the built-in model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../../../src/index.ts';
import { rankingOf } from '../../../../src/service/learning/ranking.ts';
import { silentLog } from '../../../../src/service/ports/log.ts';
import type { Storage } from '../../../../src/service/ports/storage.ts';
import { createService, type RunningService } from '../../../../src/service/service.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { drawnCup, shownScenes } from '../shown-scene.ts';

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

describe('the worth of an annotation', () => {
  const mask = (score: number, present: number) => ({ quality: { score, present } });

  it('is that of the label that promises most', () => {
    expect(rankingOf([mask(0.9, 1), mask(0.25, 0.5), mask(0, 0.1)])).toEqual({ presence: 1, gain: 0.375 });
    expect(rankingOf([mask(0.25, 1)])).toEqual({ presence: 1, gain: 0.75 });
  });

  it('is nothing where there is no mask, or nothing to be marked', () => {
    expect(rankingOf([])).toEqual({ presence: 0, gain: 0 });
    expect(rankingOf([mask(0, 0), mask(1, 1)])).toEqual({ presence: 1, gain: 0 });
  });
});

describe('the list of images to label next', () => {
  it('is in the order of their gain, without those that are labeled or erased and those of other projects', async () => {
    await service.annotations.accept(drawnCup('p', '1', await scene()));
    await service.annotations.accept(drawnCup('other', '1', await scene()));
    await service.predictions.predict({ project: 'other', image: (await scene()).bytes });
    const labeled = await scene();
    await service.predictions.predict({ project: 'p', image: labeled.bytes });
    const found: { sha256: string; presence: number; gain: number }[] = [];
    for (const shown of [await scene(), await scene(), await scene(4), await scene()]) {
      const { image, masks } = await service.predictions.predict({ project: 'p', image: shown.bytes });
      found.push({ sha256: image.sha256, ...rankingOf(masks) });
    }
    await service.predictions.list({ project: 'p', limit: 1 }); // written by now
    await service.annotations.accept(drawnCup('p', '2', labeled));
    const expected = found.toSorted((a, b) => b.gain - a.gain);
    expect(new Set(expected.map(({ gain }) => gain)).size).toBe(4);
    const list = await service.projects.nextImages('p', { limit: 10 });
    expect(list.map(({ sha256, presence }) => [sha256, presence])).toEqual(expected.map(({ sha256, presence }) => [sha256, presence]));
    expect(list.every(({ uncertainty = -1 }) => uncertainty >= 0)).toBe(true);
    expect(await service.projects.nextImages('p', { limit: 2, offset: 1 })).toEqual(list.slice(1, 3));
    await service.projects.eraseImage('p', expected[0]?.sha256 as string);
    expect(await service.projects.nextImages('p', { limit: 10 })).toEqual(list.slice(1));
  });
});
