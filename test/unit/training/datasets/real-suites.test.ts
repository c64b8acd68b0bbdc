/** The real photo suites that may lie beside the repository; they are never part of it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import { brokenEpisodes, keysOf } from './make-data.ts';

const DATA = resolve(import.meta.dirname, '../../../../../shared/data');
const SUITES = [
  ['ccp', 20, 702],
  ['coco', 28, 444],
] as const;

describe.each([
  ['carparts', 35, 12],
  ['cwfid', 21, 2],
] as const)('unseen/%s', (name, images, classes) => {
  const folder = join(DATA, 'unseen', name);
  it.skipIf(!existsSync(folder))(
    `opens as it is, and pairs are drawn from all ${images} images that show a class (skipped where ../shared/data/unseen/${name} is missing)`,
    async () => {
      const dataset = await openDataset(folder, { testOn: 'all' });
      expect(dataset.classes).toHaveLength(classes);
      const pairs = dataset.fold('all').testEpisodes(120, 321);
      expect(new Set(pairs.map(({ classId }) => classId)).size).toBe(classes);
      expect(keysOf(dataset.fold('all').testEpisodes(1000, 321)).size).toBe(images);
      expect(await brokenEpisodes(dataset, pairs.slice(0, 25))).toEqual([]);
    },
  );
});

describe.each(SUITES)('%s', (suite, classes, trainingImages) => {
  const file = join(DATA, `${suite}.json`);
  it.skipIf(!existsSync(file))(
    `opens with its ${classes} classes, folds and pairs (skipped where ../shared/data/${suite}.json is missing)`,
    async () => {
      const dataset = await openDataset(file);
      expect(dataset).toMatchObject({ name: suite, folds: 4 });
      expect(dataset.classes).toHaveLength(classes);
      for (const index of [0, 1, 2, 3]) {
        const fold = dataset.fold(index);
        const [training, pairs] = [fold.trainingEpisodes(0, 321), fold.testEpisodes(1000, 321)];
        expect(pairs).toHaveLength(200);
        expect(new Set(pairs.map(({ classId }) => classId))).toEqual(new Set(fold.novel));
        expect(training.length).toBeGreaterThan(trainingImages / 3);
        expect(training.length).toBeLessThanOrEqual(trainingImages);
        expect(training.every(({ classId }) => fold.base.includes(classId))).toBe(true);
        expect([...keysOf(pairs)].filter((key) => keysOf(training).has(key))).toEqual([]);
        expect(await brokenEpisodes(dataset, [...pairs.slice(0, 25), ...training.slice(0, 25)])).toEqual([]);
      }
    },
  );
});
