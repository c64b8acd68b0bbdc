import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import type { Dataset } from '../../../../src/training/types.ts';
import { bands, brokenEpisodes, folderData, HEIGHT, jpeg, keysOf, labelPng, put, WIDTH } from './make-data.ts';

const NAMES = ['cup', 'dog', 'fork', 'gate', 'hat'];
/** 40 images of two classes each: every class in 16 of them. */
const SHOWN = Array.from({ length: 40 }, (_, i) => [1 + (i % 5), 1 + ((i + 1 + Math.floor(i / 20)) % 5)]);

describe('the shortest form', () => {
  let root: string;
  let dataset: Dataset;
  beforeAll(async () => {
    root = await folderData(SHOWN, NAMES);
    dataset = await openDataset(root);
  });

  it('numbers classes from 1 and splits them into four interleaved folds', () => {
    expect(dataset.classes).toEqual(NAMES.map((name, i) => ({ id: i + 1, name })));
    expect(dataset.folds).toBe(4);
    expect([0, 1, 2, 3].map((f) => dataset.fold(f).novel)).toEqual([[1, 5], [2], [3], [4]]);
    expect(dataset.fold(0).base).toEqual([2, 3, 4]);
    expect(dataset.fold('all')).toMatchObject({ name: 'all', base: [1, 2, 3, 4, 5], novel: [1, 2, 3, 4, 5] });
  });

  it('draws episodes of two images that show the class, training and test apart, novel classes only in tests', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 1, 2, 3, 'all' as const), fc.nat(50), fc.nat(1000), async (index, epoch, seed) => {
        const fold = dataset.fold(index);
        const training = fold.trainingEpisodes(epoch, seed);
        const test = fold.testEpisodes(30, seed);
        expect(await brokenEpisodes(dataset, [...training, ...test])).toEqual([]);
        expect(training.filter(({ classId }) => !fold.base.includes(classId))).toEqual([]);
        expect(test.filter(({ classId }) => !fold.novel.includes(classId))).toEqual([]);
        expect([...keysOf(test)].filter((key) => keysOf(training).has(key))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('gives an epoch as many episodes as there are images to train on', () => {
    const fold = dataset.fold('all');
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 40; epoch++) for (const key of keysOf(fold.trainingEpisodes(epoch, 1))) seen.add(key);
    expect(fold.trainingEpisodes(0, 1)).toHaveLength(seen.size);
    expect(seen.size).toBeLessThan(SHOWN.length);
  });

  it('repeats itself for the same seed and epoch, and only then', async () => {
    const fold = dataset.fold(1);
    const again = (await openDataset(root)).fold(1);
    expect(again.trainingEpisodes(3, 321)).toEqual(fold.trainingEpisodes(3, 321));
    expect(again.testEpisodes(100, 321)).toEqual(fold.testEpisodes(100, 321));
    expect(fold.trainingEpisodes(4, 321)).not.toEqual(fold.trainingEpisodes(3, 321));
    expect(fold.trainingEpisodes(3, 322)).not.toEqual(fold.trainingEpisodes(3, 321));
    expect(fold.testEpisodes(100, 322)).not.toEqual(fold.testEpisodes(100, 321));
  });

  it('starts epochs differently and draws classes, references and targets evenly', () => {
    const fold = dataset.fold('all');
    const firsts = new Set(Array.from({ length: 60 }, (_, epoch) => fold.trainingEpisodes(epoch, 321)[0]?.classId));
    expect(firsts.size).toBe(5);
    const episodes = Array.from({ length: 200 }, (_, epoch) => fold.trainingEpisodes(epoch, 321)).flat();
    for (const id of [1, 2, 3, 4, 5]) {
      const share = episodes.filter(({ classId }) => classId === id).length / episodes.length;
      expect(share).toBeGreaterThan(0.17);
      expect(share).toBeLessThan(0.23);
    }
    const pairs = new Set(episodes.filter(({ classId }) => classId === 1).map((e) => `${e.reference.key} ${e.target.key}`));
    const images = new Set(episodes.filter(({ classId }) => classId === 1).map((e) => e.target.key)).size;
    expect(pairs.size).toBe(images * (images - 1));
  });

  it('gives label maps at the size of their images', async () => {
    const [episode] = dataset.fold(0).testEpisodes(1, 1);
    const labels = await dataset.labels(episode?.target as { key: string; file: string });
    expect(labels).toMatchObject({ width: WIDTH, height: HEIGHT });
  });
});

describe('what classes.json may say', () => {
  it('the size below which a class does not count, which an option overrides', async () => {
    // Two of 48 rows: 4 % of the image.
    const root = await folderData(SHOWN, { classes: NAMES, min_area: 0.05 }, 2);
    const strict = await openDataset(root);
    expect(() => strict.fold(0)).toThrow(/is shown by 0 test images.*"min_area" \(now 0\.05\)/s);
    expect((await openDataset(root, { minArea: 0.04 })).fold(0).novel).toEqual([1, 5]);
  });

  it('its split, folds and pairs', async () => {
    const test = Array.from({ length: 15 }, (_, i) => `img_${String(i).padStart(2, '0')}`);
    const pairs = [
      [1, 'img_00', 'img_05'],
      [2, 'img_01', 'img_00'],
      [1, 'img_05', 'img_00'],
    ];
    const classes = NAMES.map((name, i) => ({ id: i + 1, name }));
    const root = await folderData(SHOWN, {
      classes,
      split: { test },
      folds: [
        { novel: [1, 2], pairs },
        { novel: [3], base: [4, 5] },
      ],
    });
    const dataset = await openDataset(root);
    expect(dataset.folds).toBe(2);
    expect(dataset.fold(0).base).toEqual([3, 4, 5]);
    expect(dataset.fold(1).base).toEqual([4, 5]);
    expect(
      dataset
        .fold(0)
        .testEpisodes(2, 1)
        .map((e) => [e.classId, e.reference.key, e.target.key]),
    ).toEqual(pairs.slice(0, 2));
    expect(dataset.fold(0).testEpisodes(1000, 1)).toHaveLength(3);
    expect(dataset.fold(1).testEpisodes(50, 1)).toHaveLength(50);
    expect([...keysOf(dataset.fold(1).testEpisodes(50, 1))].every((key) => test.includes(key))).toBe(true);
    expect([...keysOf(dataset.fold(1).trainingEpisodes(0, 1))].some((key) => test.includes(key))).toBe(false);
  });

  it('which images train: a class that fewer than two of those show is left out of training, and named', async () => {
    const test = SHOWN.flatMap((shown, i) => (shown.includes(2) ? [`img_${String(i).padStart(2, '0')}`] : []));
    const root = await folderData(SHOWN, { classes: NAMES, split: { test } });
    const fold = (await openDataset(root)).fold(0);
    expect(fold.base).toEqual([3, 4]);
    expect(fold.trainingEpisodes(0, 1).every(({ classId }) => fold.base.includes(classId))).toBe(true);
    expect(fold.leftOut).toEqual(['class 2 (dog) is shown by 0 training images, at least 2 are expected']);
  });

  it('classes to leave out, there or as an option', async () => {
    const root = await folderData([...SHOWN, [6]], { classes: [...NAMES, 'rare'], leave_out: [6] });
    expect((await openDataset(root)).fold('all').base).toEqual([1, 2, 3, 4, 5]);
    const fewer = await openDataset(root, { leaveOut: [2, 5] });
    expect(fewer.classes.map(({ id }) => id)).toEqual([1, 3, 4]);
    expect(fewer.folds).toBe(0);
    expect(() => fewer.fold(0)).toThrow(/not split into folds/);
  });
});

describe('bad data', () => {
  const refused = (root: string, message: RegExp) =>
    expect(openDataset(root)).rejects.toMatchObject({ code: 'DATASET_INVALID', message: expect.stringMatching(message) as string });
  let root: string;
  const fresh = async (manifest: unknown = NAMES): Promise<void> => {
    root = await folderData(SHOWN, manifest);
  };

  it('names label ids that are no classes, and their file', async () => {
    await fresh(['cup', 'dog', 'fork']);
    await refused(root, /masks\/img_\d\d\.png: expected the class ids 1, 2, 3 .* also holds (4|5|4, 5)\./);
  });

  it('names images without a mask and masks without an image', async () => {
    await fresh();
    await rm(join(root, 'masks/img_03.png'));
    await rm(join(root, 'images/img_07.jpg'));
    await refused(root, /1 images without a mask: images\/img_03\.jpg; 1 masks without an image: masks\/img_07\.png/);
  });

  it('names two images of one name', async () => {
    await fresh();
    await put(root, 'images/img_03.png', await readFile(join(root, 'masks/img_03.png')));
    await refused(root, /one file per name.*img_03\.(jpg|png) and images\/img_03/);
  });

  it('says both sizes where a mask is not as large as its image', async () => {
    await fresh();
    await put(root, 'masks/img_03.png', labelPng(new Uint8Array(30 * 20), 30, 20));
    await refused(root, /img_03\.png: expected 64 x 48 pixels.*have 30 x 20/);
  });

  it('takes the size of an image as it is shown upright', async () => {
    await fresh();
    await put(root, 'images/img_03.jpg', await jpeg(HEIGHT, WIDTH, 6));
    await expect(openDataset(root)).resolves.toBeDefined();
    await put(root, 'images/img_03.jpg', await jpeg(WIDTH, HEIGHT, 6));
    await refused(root, /expected 48 x 64 pixels/);
  });

  it('refuses masks of colours, of JPEG, and images that are none', async () => {
    await fresh();
    await put(
      root,
      'masks/img_03.png',
      await sharp(bands([1]), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
        .toColourspace('srgb')
        .png()
        .toBuffer(),
    );
    await refused(root, /img_03\.png: .*RGB/);
    await put(root, 'masks/img_03.png', await jpeg());
    await refused(root, /img_03\.png: .*no PNG/);
    await fresh();
    await put(root, 'images/img_03.jpg', '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"/>');
    await refused(root, /img_03\.jpg: expected an image/);
  });

  it('refuses a class that one image shows, and says how to go on', async () => {
    const single = await openDataset(await folderData([...SHOWN, [6]], [...NAMES, 'rare']));
    for (const index of [0, 'all'] as const) {
      const training = (): unknown => single.fold(index).trainingEpisodes(0, 1);
      expect(training).toThrow(expect.objectContaining({ code: 'DATASET_INVALID' }));
      expect(training).toThrow(/class 6 \(rare\) is shown by [01] (training|test) image.*"leave_out"/s);
    }
  });

  it('refuses an empty fold', async () => {
    await fresh({ classes: NAMES, folds: [{ novel: [] }, { novel: [1, 2, 3, 4, 5] }, { novel: [1], pairs: [] }] });
    const dataset = await openDataset(root);
    expect(() => dataset.fold(0)).toThrow(
      expect.objectContaining({ code: 'DATASET_INVALID', message: expect.stringMatching(/no classes to test on/) as string }),
    );
    expect(() => dataset.fold(1)).toThrow(/no classes to train on/);
    expect(() => dataset.fold(2)).toThrow(/list of test pairs is empty/);
    expect(() => dataset.fold(3)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(/folds 0 to 2/) as string }),
    );
  });

  const manifests: [name: string, manifest: unknown, message: RegExp][] = [
    ['no classes', [], /classes: expected 1 to 254/],
    ['an id that is no class id', { classes: [{ id: 255, name: 'a' }] }, /classes/],
    [
      'a class twice',
      {
        classes: [
          { id: 1, name: 'a' },
          { id: 1, name: 'b' },
        ],
      },
      /1 \(b\) is there twice/,
    ],
    ['a text', 'cup', /expected other content/],
    ['a path out of the folder', { classes: NAMES, images: { a: { image: '../a.jpg', mask: 'masks/a.png' } } }, /path inside the folder/],
    ['an absolute path', { classes: NAMES, images: { a: { image: '/a.jpg', mask: 'masks/a.png' } } }, /path inside the folder/],
    [
      'a file that is not there',
      { classes: NAMES, images: { a: { image: 'images/none.jpg', mask: 'masks/a.png', w: 1, h: 1, area: {} } } },
      /images\/none\.jpg/,
    ],
    ['a split of unknown images', { classes: NAMES, split: { test: ['nobody'] } }, /there are no nobody/],
    ['a fold of unknown classes', { classes: NAMES, folds: [{ novel: [9] }] }, /there is no class 9/],
    ['a class both novel and base', { classes: NAMES, folds: [{ novel: [1], base: [1, 2] }] }, /1 are both/],
    ['a pair of unknown images', { classes: NAMES, folds: [{ novel: [1], pairs: [[1, 'x', 'y']] }] }, /there is no image x/],
    [
      'a pair of training images',
      { classes: NAMES, split: { test: ['img_00'] }, folds: [{ novel: [1], pairs: [[1, 'img_00', 'img_05']] }] },
      /img_05 is one to train on/,
    ],
    [
      'a pair without its class',
      { classes: NAMES, split: { test: ['img_00', 'img_02'] }, folds: [{ novel: [1], pairs: [[1, 'img_00', 'img_02']] }] },
      /img_02 does not show it/,
    ],
    [
      'a pair of one image',
      { classes: NAMES, split: { test: ['img_00'] }, folds: [{ novel: [1], pairs: [[1, 'img_00', 'img_00']] }] },
      /two different images/,
    ],
    [
      'a pair of a base class',
      { classes: NAMES, split: { test: ['img_00', 'img_01'] }, folds: [{ novel: [1], pairs: [[2, 'img_00', 'img_01']] }] },
      /expected a novel class/,
    ],
  ];
  it.each(manifests)('refuses %s', async (_name, manifest, message) => {
    await fresh(manifest);
    await refused(root, message);
  });

  it('refuses JSON that is none', async () => {
    await fresh();
    await put(root, 'classes.json', '{ "classes": [');
    await refused(root, /classes\.json: expected JSON/);
  });
});

describe('opening', () => {
  it('reports every label map and stops when asked to', async () => {
    const root = await folderData(SHOWN, NAMES);
    const seen: number[] = [];
    await openDataset(root, { onProgress: (done, total) => seen.push(done / total) });
    expect(seen).toHaveLength(SHOWN.length);
    expect(seen.at(-1)).toBe(1);
    const controller = new AbortController();
    const opening = openDataset(root, {
      signal: controller.signal,
      onProgress: (done) => done === 5 && controller.abort(new Error('enough')),
    });
    await expect(opening).rejects.toThrow('enough');
  });
});
