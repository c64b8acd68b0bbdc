import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { scenesDataset, writeScenesDataset } from '../../../../src/training/datasets/index.ts';
import type { Dataset } from '../../../../src/training/types.ts';
import { CONCEPT_FOLDS, CONCEPTS } from '../../../../src/scenes/index.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { brokenEpisodes, keysOf, tempFolder } from './make-data.ts';

const OPTIONS = { images: 192, seed: 7, size: 48 };

describe('generated scenes as data', () => {
  let root: string;
  let dataset: Dataset;
  beforeAll(async () => {
    root = join(await tempFolder(), 'scenes');
    dataset = await scenesDataset(root, OPTIONS);
  });

  it('have the 48 concepts as classes in their folds', () => {
    expect(dataset.classes).toEqual(CONCEPTS.map(({ id, name }) => ({ id: id + 1, name })));
    expect([0, 1, 2, 3].map((f) => dataset.fold(f).novel)).toEqual(CONCEPT_FOLDS.map((fold) => fold.map((id) => id + 1)));
  });

  it('come with 200 balanced test pairs per fold, of images never trained on', async () => {
    for (const index of [0, 1, 2, 3]) {
      const fold = dataset.fold(index);
      const pairs = fold.testEpisodes(1000, 1);
      expect(pairs).toHaveLength(200);
      expect(new Set(pairs.slice(0, 12).map(({ classId }) => classId))).toEqual(new Set(fold.novel));
      expect(await brokenEpisodes(dataset, pairs)).toEqual([]);
      const training = fold.trainingEpisodes(0, 321);
      expect(training.length).toBeGreaterThan(80);
      expect(await brokenEpisodes(dataset, training.slice(0, 40))).toEqual([]);
      expect([...keysOf(pairs)].filter((key) => keysOf(training).has(key))).toEqual([]);
    }
    expect(
      dataset
        .fold('all')
        .testEpisodes(4, 1)
        .map(({ classId }) => (classId - 1) % 4),
    ).toEqual([0, 1, 2, 3]);
  });

  it('are the same files for the same seed, and stay as they are', async () => {
    const again = join(await tempFolder(), 'scenes');
    await writeScenesDataset(again, OPTIONS);
    for (const file of ['classes.json', 'images/scene_0100.png', 'masks/scene_0100.png']) {
      expect(await readFile(join(again, file))).toEqual(await readFile(join(root, file)));
    }
    let calls = 0;
    await writeScenesDataset(again, { ...OPTIONS, onProgress: () => calls++ });
    expect(calls).toBe(0);
  });

  it('are finished by the same call after a stop', async () => {
    const folder = join(await tempFolder(), 'scenes');
    const controller = new AbortController();
    const stopped = writeScenesDataset(folder, {
      ...OPTIONS,
      signal: controller.signal,
      onProgress: (done) => done === 3 && controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(await readdir(folder)).not.toContain('classes.json');
    expect((await scenesDataset(folder, OPTIONS)).fold(0).testEpisodes(5, 1)).toMatchObject(
      dataset
        .fold(0)
        .testEpisodes(5, 1)
        .map(({ classId }) => ({ classId })),
    );
    await rm(folder, { recursive: true });
  });

  it('are not written over anything else', async () => {
    await expectRejection('OPTION_INVALID', writeScenesDataset(root, { ...OPTIONS, seed: 8 }), 'expected an empty folder', '"seed":7');
    await expectRejection('OPTION_INVALID', writeScenesDataset(join(root, 'images'), OPTIONS), 'other files');
    for (const wrong of [{ images: 100 }, { seed: -1 }, { size: 4 }]) {
      await expectRejection('OPTION_INVALID', writeScenesDataset('/nowhere', wrong), String(Object.keys(wrong)[0]));
    }
    await expectRejection('OUTPUT_FAILED', writeScenesDataset(join(root, 'classes.json', 'below'), OPTIONS), 'cannot be written');
  });
});
