import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import type { Dataset } from '../../../../src/training/types.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { bands, brokenEpisodes, jpeg, keysOf, labelPng, put, tempFolder, WIDTH } from './make-data.ts';

const TRAINING = 80;
const TEST = 60;
/** Pixels of a band of eight rows. */
const BAND = 512;

/** Every class alone in some images, with the next one in others, and with a border around it. */
function classesOf(i: number): number[] {
  const id = 1 + (i % 20);
  return i % 3 === 0 ? [id, 255, 1 + (id % 20)] : [id, 255];
}

async function makeVoc(): Promise<string> {
  const root = await tempFolder();
  const picture = await jpeg();
  const names = Array.from({ length: TRAINING + TEST }, (_, i) => `2007_${String(i).padStart(6, '0')}`);
  for (const [i, name] of names.entries()) {
    await put(root, `JPEGImages/${name}.jpg`, picture);
    await put(root, `SegmentationClassAug/${name}.png`, labelPng(bands(classesOf(i))));
  }
  await put(root, 'ImageSets/Segmentation/val.txt', `${names.slice(TRAINING).join('\n')}\n`);
  return root;
}

describe('PASCAL-5i', () => {
  let root: string;
  let dataset: Dataset;
  beforeAll(async () => {
    root = await makeVoc();
    dataset = await openDataset(root, { minPixels: BAND });
  });

  it('has 20 classes, of which fold f tests five in a row', () => {
    expect(dataset).toMatchObject({ name: 'PASCAL-5i', folds: 4 });
    expect(dataset.classes.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect([dataset.classes[0]?.name, dataset.classes[19]?.name]).toEqual(['aeroplane', 'tvmonitor']);
    expect([0, 1, 2, 3].map((f) => dataset.fold(f).novel)).toEqual([
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
      [11, 12, 13, 14, 15],
      [16, 17, 18, 19, 20],
    ]);
    expect(dataset.fold(3).base).toHaveLength(15);
  });

  it.each([0, 1, 2, 3])('fold %i trains once on every image without novel classes, in another order per epoch', (index) => {
    const fold = dataset.fold(index);
    const clean = Array.from({ length: TRAINING }, (_, i) => i).filter((i) => !classesOf(i).some((id) => fold.novel.includes(id)));
    const orders = [0, 1].map((epoch) => fold.trainingEpisodes(epoch, 321).map(({ target }) => Number(target.key.slice(5))));
    for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual(clean);
    expect(orders[0]).not.toEqual(orders[1]);
    expect([...keysOf(fold.trainingEpisodes(0, 321))].every((key) => clean.includes(Number(key.slice(5))))).toBe(true);
  });

  it('draws valid episodes, training and test apart', async () => {
    for (const index of [0, 2, 'all'] as const) {
      const fold = dataset.fold(index);
      const [training, test] = [fold.trainingEpisodes(1, 321), fold.testEpisodes(100, 321)];
      expect(await brokenEpisodes(dataset, [...training, ...test])).toEqual([]);
      expect(training.every(({ classId }) => fold.base.includes(classId))).toBe(true);
      expect(test.every(({ classId }) => fold.novel.includes(classId))).toBe(true);
      expect([...keysOf(test)].filter((key) => Number(key.slice(5)) < TRAINING)).toEqual([]);
    }
  });

  it('tests the list in its order, again from the start when it ends', () => {
    const fold = dataset.fold(0);
    const targets = fold.testEpisodes(1000, 321).map(({ target }) => target.key);
    const length = new Set(targets).size;
    expect(targets).toHaveLength(1000);
    expect(targets.slice(0, length)).toEqual([...new Set(targets)].sort());
    expect(targets.slice(length, 2 * length)).toEqual(targets.slice(0, length));
  });

  it('draws the class among all that the target shows, also small ones, and the reference among images that show it well', async () => {
    const own = await makeVoc();
    const small = bands([1, 255, 0]);
    small.fill(2, 40 * WIDTH, 40 * WIDTH + 5);
    await put(own, 'SegmentationClassAug/2007_000000.png', labelPng(small));
    const opened = await openDataset(own, { minPixels: BAND });
    const episodes = Array.from({ length: 60 }, (_, epoch) => opened.fold('all').trainingEpisodes(epoch, 1)).flat();
    const ofTarget = episodes.filter(({ target }) => target.key === '2007_000000');
    expect(new Set(ofTarget.map(({ classId }) => classId))).toEqual(new Set([1, 2]));
    const asReference = episodes.filter(({ reference }) => reference.key === '2007_000000');
    expect(new Set(asReference.map(({ classId }) => classId))).toEqual(new Set([1]));
  });

  it('does not count classes below 2 x 32 x 32 pixels unless told to', async () => {
    const usual = await openDataset(root);
    expect(() => usual.fold(0)).toThrow(/0 test images.*now 2048 pixels/s);
  });

  it('follows a list of training images, never training on test images', async () => {
    await put(
      root,
      'ImageSets/SegmentationAug/train_aug.txt',
      Array.from({ length: 110 }, (_, i) => `2007_${String(i).padStart(6, '0')}`).join('\r\n'),
    );
    const listed = await openDataset(root, { minPixels: BAND });
    expect(listed.fold('all').trainingEpisodes(0, 1)).toHaveLength(TRAINING);
    await put(
      root,
      'ImageSets/SegmentationAug/train_aug.txt',
      Array.from({ length: 60 }, (_, i) => `2007_${String(i).padStart(6, '0')}`).join('\n'),
    );
    expect((await openDataset(root, { minPixels: BAND })).fold('all').trainingEpisodes(0, 1)).toHaveLength(60);
    await rm(join(root, 'ImageSets/SegmentationAug'), { recursive: true });
  });

  it('follows ready lists of a fold, reading them as text', async () => {
    const path = (i: number): [string, string] => {
      const name = `2007_${String(i).padStart(6, '0')}`;
      return [`/anywhere/JPEGImages/${name}.jpg`, `/anywhere/SegmentationClassAug/${name}.png`];
    };
    const ofClass = (id: number): number[] => [id - 1, id + 19].map((i) => i + (i % 3 === 0 ? 40 : 0)).filter((i) => i < TRAINING);
    const classes = Array.from({ length: 15 }, (_, i) => i + 6);
    const entries = classes.map(
      (id) =>
        `${id}: [${ofClass(id)
          .map((i) => `('${path(i).join("', '")}')`)
          .join(', ')}]`,
    );
    await put(root, 'lists/train/sub_class_file_list_0.txt', `{${entries.join(', ')}}`);
    const images = [...new Set(classes.flatMap(ofClass))];
    await put(root, 'lists/train/data_list_0.txt', images.map((i) => path(i).join(' ')).join('\n') + '\n');
    const ready = await openDataset(root, { minPixels: BAND, lists: join(root, 'lists') });
    const episodes = ready.fold(0).trainingEpisodes(0, 321);
    expect(new Set(episodes.map(({ target }) => Number(target.key.slice(5))))).toEqual(new Set(images));
    expect(await brokenEpisodes(ready, episodes)).toEqual([]);
    expect(episodes.length).toBeLessThan(dataset.fold(0).trainingEpisodes(0, 321).length);
    expect(ready.fold(1).trainingEpisodes(0, 321)).toEqual(dataset.fold(1).trainingEpisodes(0, 321));
  });

  it('is found in the folder above, and in the one its archive makes', async () => {
    const above = await tempFolder();
    await put(above, 'VOCdevkit/VOC2012/SegmentationClassAug/readme.txt', '');
    await expectRejection('DATASET_NOT_FOUND', openDataset(above), 'VOCdevkit/VOC2012', 'JPEGImages');
  });

  it('names what is missing or damaged', async () => {
    const broken = await makeVoc();
    await rm(join(broken, 'SegmentationClassAug/2007_000100.png'));
    await expectRejection('DATASET_INVALID', openDataset(broken), /1 listed images have no label map .*2007_000100/);
    await put(broken, 'SegmentationClassAug/2007_000100.png', labelPng(bands([21])));
    await expectRejection('DATASET_INVALID', openDataset(broken), '2007_000100.png', /also holds 21/);
    await put(broken, 'SegmentationClassAug/2007_000100.png', labelPng(bands([20])));
    await rm(join(broken, 'JPEGImages/2007_000005.jpg'));
    await expectRejection('DATASET_INVALID', openDataset(broken), /have no image in JPEGImages.*2007_000005/);
    await rm(join(broken, 'ImageSets'), { recursive: true });
    await expectRejection('DATASET_NOT_FOUND', openDataset(broken), 'val.txt', 'University of Oxford', 'SBD');
  });

  it('refuses a label map of another size when it is used', async () => {
    const broken = await makeVoc();
    await put(broken, 'JPEGImages/2007_000005.jpg', await jpeg(20, 10));
    const opened = await openDataset(broken, { minPixels: BAND });
    const file = join(broken, 'JPEGImages/2007_000005.jpg');
    await expectRejection('DATASET_INVALID', opened.labels({ key: '2007_000005', file }), 'expected 20 x 10 pixels', '64 x 48');
  });
});
