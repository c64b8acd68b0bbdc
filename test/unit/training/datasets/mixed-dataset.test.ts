import { describe, expect, it } from 'vitest';
import { mixDatasets } from '../../../../src/training/datasets/index.ts';
import type { Dataset, DatasetImage, Episode, Fold } from '../../../../src/training/types.ts';

/** Two classes, images of one pixel each: image i shows class 1 + i % 2. */
function dataset(name: string, images: number, more: Partial<Dataset> = {}): Dataset {
  const all = Array.from({ length: images }, (_, i): DatasetImage => ({ key: `img/${i}`, file: `${name}/${i}.png` }));
  const episode = (i: number): Episode => ({
    classId: 1 + (i % 2),
    reference: all[(i + 2) % images] as DatasetImage,
    target: all[i % images] as DatasetImage,
  });
  const fold: Fold = {
    name: 'all',
    base: [1, 2],
    novel: [1, 2],
    trainingEpisodes: (epoch, seed) => all.map((_, i) => episode(i + epoch + seed)),
    testEpisodes: (count) => Array.from({ length: Math.min(count, images) }, (_, i) => episode(i)),
  };
  return {
    name,
    classes: [
      { id: 1, name: 'cup' },
      { id: 2, name: 'dog' },
    ],
    folds: 4,
    fold: (index) => ({ ...fold, name: String(index) }),
    labels: ({ key }) => Promise.resolve({ data: Uint8Array.of(1 + (Number(key.slice(4)) % 2), 0, 255), width: 3, height: 1 }),
    ...more,
  };
}

const mixture = mixDatasets([
  { dataset: dataset('photos', 30), weight: 3 },
  { dataset: dataset('scenes', 50, { folds: 2 }), weight: 1 },
]);

describe('a mixture of data sets', () => {
  it('has the classes of all, under names and ids of their own', () => {
    expect(mixture.classes).toEqual([
      { id: 1, name: 'photos/cup' },
      { id: 2, name: 'photos/dog' },
      { id: 3, name: 'scenes/cup' },
      { id: 4, name: 'scenes/dog' },
    ]);
    expect(mixture).toMatchObject({ name: 'photos:3 + scenes:1', folds: 2 });
    expect(mixture.fold('all')).toMatchObject({ base: [1, 2, 3, 4], novel: [1, 2, 3, 4] });
  });

  it('draws by the weights, from the seed and the epoch alone', () => {
    const fold = mixture.fold('all');
    const episodes = Array.from({ length: 50 }, (_, epoch) => fold.trainingEpisodes(epoch, 321)).flat();
    expect(fold.trainingEpisodes(0, 321)).toHaveLength(80);
    const share = episodes.filter(({ source }) => source === 'photos').length / episodes.length;
    expect(share).toBeGreaterThan(0.72);
    expect(share).toBeLessThan(0.78);
    expect(fold.trainingEpisodes(7, 321)).toEqual(fold.trainingEpisodes(7, 321));
    expect(fold.trainingEpisodes(7, 321)).not.toEqual(fold.trainingEpisodes(8, 321));
    expect(fold.trainingEpisodes(7, 321)).not.toEqual(fold.trainingEpisodes(7, 322));
  });

  it('takes the images of each data set equally often', () => {
    const fold = mixture.fold('all');
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 20; epoch++)
      for (const { target, source } of fold.trainingEpisodes(epoch, 1))
        if (source === 'photos') counts.set(target.key, (counts.get(target.key) ?? 0) + 1);
    expect(counts.size).toBe(30);
    expect(Math.min(...counts.values())).toBeGreaterThan(0.5 * Math.max(...counts.values()));
  });

  it('never puts images of two data sets into one pair, and reads labels under the new ids', async () => {
    for (const { classId, reference, target, source } of mixture.fold('all').trainingEpisodes(0, 321)) {
      for (const image of [reference, target]) {
        expect(image.file.startsWith(`${source ?? ''}/`)).toBe(true);
        expect([...(await mixture.labels(image)).data]).toEqual([classId, 0, 255]);
      }
    }
  });

  it('tests each data set in turn', () => {
    expect(
      mixture
        .fold(1)
        .testEpisodes(5, 1)
        .map(({ source }) => source),
    ).toEqual(['photos', 'scenes', 'photos', 'scenes', 'photos']);
  });

  it('of one is that one', () => {
    const only = dataset('photos', 4);
    expect(mixDatasets([{ dataset: only, weight: 2 }])).toBe(only);
  });

  it('tells data sets of one name apart', () => {
    const twice = mixDatasets([
      { dataset: dataset('photos', 4), weight: 1 },
      { dataset: dataset('photos', 6), weight: 1 },
    ]);
    expect(twice.classes.map(({ name }) => name)).toEqual(['photos/cup', 'photos/dog', 'photos#2/cup', 'photos#2/dog']);
  });

  it('refuses more classes than a label map holds, weights that are none, and nothing', () => {
    const many = dataset('many', 4, { classes: [{ id: 200, name: 'last' }] });
    const parts = [
      { dataset: many, weight: 1 },
      { dataset: many, weight: 1 },
    ];
    expect(() => mixDatasets(parts)).toThrow(/DATASET_INVALID|expected class ids up to 254 .*, got 400/);
    expect(() => mixDatasets([{ dataset: many, weight: 0 }])).toThrow(/expected a weight above 0, got 0/);
    expect(() => mixDatasets([])).toThrow(/expected at least one data set, got none/);
  });
});
