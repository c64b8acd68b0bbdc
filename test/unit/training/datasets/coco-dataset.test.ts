import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cocoRleFromMaskSync, runsFromMask } from '../../../../src/core/mask/rle.ts';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import type { Dataset, LabelMap } from '../../../../src/training/types.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { brokenEpisodes, HEIGHT, jpeg, keysOf, put, tempFolder, WIDTH } from './make-data.ts';

/** Ids with gaps, as COCO's, and not in order. */
const CATEGORIES = [90, 3, 7, 11, 20, 21, 22, 44].map((id) => ({ id, name: `thing ${id}`, supercategory: 'thing' }));
const SORTED = CATEGORIES.map(({ id }) => id).sort((a, b) => a - b);

const rectangle = (x0: number, y0: number, x1: number, y1: number): number[] => [x0, y0, x1, y0, x1, y1, x0, y1];

interface Annotation {
  id: number;
  image_id: number;
  category_id: number;
  area: number;
  iscrowd: 0 | 1;
  segmentation: unknown;
}

function annotation(imageId: number, classId: number, segmentation: unknown, area: number, crowd: 0 | 1 = 0): Annotation {
  return {
    id: 1000 * imageId + classId,
    image_id: imageId,
    category_id: SORTED[classId - 1] as number,
    area,
    iscrowd: crowd,
    segmentation,
  };
}

/** Eight images per class, in every second with the class after it. */
function side(name: string, first: number): { images: object[]; annotations: Annotation[]; categories: object[]; info: object } {
  const ids = Array.from({ length: 64 }, (_, i) => first + i);
  const annotations = ids.flatMap((imageId, i) => {
    const classId = 1 + (i % 8);
    const own = annotation(imageId, classId, [rectangle(0, 0, 32, 20)], 640);
    return Math.floor(i / 8) % 2 === 0 ? [own] : [own, annotation(imageId, 1 + (classId % 8), [rectangle(32, 20, 64, 48)], 896)];
  });
  const images = ids.map((id) => ({ id, file_name: `COCO_${name}_${String(id).padStart(12, '0')}.jpg`, width: WIDTH, height: HEIGHT }));
  return { info: { year: 2014 }, annotations, images, categories: CATEGORIES };
}

async function makeCoco(
  change: (training: ReturnType<typeof side>, test: ReturnType<typeof side>) => void = () => undefined,
): Promise<string> {
  const root = await tempFolder();
  const [training, test] = [side('train2014', 1), side('val2014', 501)];
  change(training, test);
  const picture = await jpeg();
  for (const [name, data] of [
    ['train2014', training],
    ['val2014', test],
  ] as const) {
    for (const image of data.images as { file_name: string }[]) await put(root, `${name}/${image.file_name}`, picture);
    await put(root, `annotations/instances_${name}.json`, JSON.stringify(data));
  }
  return root;
}

const open = (root: string): Promise<Dataset> => openDataset(root, { minPixels: 600 });

describe('COCO-20i', () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await open(await makeCoco());
  });

  it('numbers categories by their ids and interleaves folds', () => {
    expect(dataset.classes).toEqual(SORTED.map((id, i) => ({ id: i + 1, name: `thing ${id}` })));
    expect([0, 1, 2, 3].map((f) => dataset.fold(f).novel)).toEqual([
      [1, 5],
      [2, 6],
      [3, 7],
      [4, 8],
    ]);
  });

  it('draws valid episodes: training without novel classes, tests from val alone', async () => {
    for (const index of [0, 1, 2, 3, 'all'] as const) {
      const fold = dataset.fold(index);
      const [training, test] = [fold.trainingEpisodes(0, 321), fold.testEpisodes(60, 321)];
      expect(await brokenEpisodes(dataset, [...training, ...test])).toEqual([]);
      expect(training.every(({ classId }) => fold.base.includes(classId))).toBe(true);
      expect(test.every(({ classId }) => fold.novel.includes(classId))).toBe(true);
      expect([...keysOf(training)].every((key) => key.startsWith('COCO_train2014'))).toBe(true);
      expect([...keysOf(test)].every((key) => key.startsWith('COCO_val2014'))).toBe(true);
      if (index === 'all') continue;
      for (const { reference, target } of training) {
        const shown = [...(await dataset.labels(reference)).data, ...(await dataset.labels(target)).data];
        expect(shown.some((id) => fold.novel.includes(id))).toBe(false);
      }
    }
  });

  it('reports how far it has read, and stops when asked to', async () => {
    const root = await makeCoco();
    const seen: number[] = [];
    await openDataset(root, { onProgress: (done, total) => seen.push(done / total) });
    expect(seen).toEqual([1, 1]);
    await expect(openDataset(root, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('gives an epoch as many episodes as images are listed', () => {
    // 64 images: 32 of one class (8 of them novel), 32 of two (of eight neighbouring pairs, four hold a novel class).
    expect(dataset.fold(0).trainingEpisodes(0, 1)).toHaveLength(24 + 16);
    expect(dataset.fold('all').trainingEpisodes(0, 1)).toHaveLength(64);
  });

  it('leaves classes out, and does not count small ones', async () => {
    const root = await makeCoco();
    expect((await openDataset(root, { minPixels: 600, leaveOut: [1, 5] })).fold(1).base).toEqual([3, 4, 7, 8]);
    await expectRejection('OPTION_INVALID', openDataset(root, { testOn: 'all' }), 'testOn');
    const usual = await openDataset(root);
    expect(() => usual.fold(0)).toThrow(/shown by 0 test images/);
  });
});

describe('label maps', () => {
  const draw = async (...annotations: Annotation[]): Promise<LabelMap> => {
    const root = await makeCoco(
      (training) => (training.annotations = [...training.annotations.filter((one) => one.image_id !== 1), ...annotations]),
    );
    const dataset = await open(root);
    const key = 'COCO_train2014_000000000001';
    return dataset.labels({ key, file: join(root, 'train2014', `${key}.jpg`) });
  };
  const painted = (paint: (x: number, y: number) => number): Uint8Array =>
    Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => paint(i % WIDTH, Math.floor(i / WIDTH)));
  const inside = (x: number, y: number, [x0, y0, x1, y1]: readonly number[]): boolean =>
    x >= (x0 as number) && x < (x1 as number) && y >= (y0 as number) && y < (y1 as number);

  it('hold smaller objects above larger ones and all parts of an object', async () => {
    const small = annotation(1, 2, [rectangle(4, 4, 10, 10)], 36);
    const large = annotation(1, 3, [rectangle(0, 0, 40, 30), rectangle(20, 20, 64, 48)], 2332);
    const wanted = painted((x, y) =>
      inside(x, y, [4, 4, 10, 10]) ? 2 : inside(x, y, [0, 0, 40, 30]) || inside(x, y, [20, 20, 64, 48]) ? 3 : 0,
    );
    expect((await draw(small, large)).data).toEqual(wanted);
    expect((await draw(large, small)).data).toEqual(wanted);
  });

  it('hold crowds as ignored pixels below everything, from plain and compressed run lengths', async () => {
    const crowd = { data: painted((x, y) => (inside(x, y, [0, 0, 30, 48]) ? 1 : 0)), width: WIDTH, height: HEIGHT };
    const wanted = painted((x, y) => (inside(x, y, [10, 10, 50, 40]) ? 4 : x < 30 ? 255 : 0));
    const object = annotation(1, 4, [rectangle(10, 10, 50, 40)], 1200);
    for (const segmentation of [{ size: [HEIGHT, WIDTH], counts: runsFromMask(crowd) }, cocoRleFromMaskSync(crowd)]) {
      expect((await draw(object, annotation(1, 5, segmentation, 1440, 1))).data).toEqual(wanted);
    }
  });

  it.each([
    ['no outline', undefined, 'no outline'],
    ['an empty list', [], 'no outline'],
    ['an empty object', {}, 'no outline'],
    ['an empty ring', [[]], 'no outline'],
    ['a line', [[1, 1, 5, 5]], 'degenerate outline'],
    ['a ring without area', [[1, 1, 5, 5, 9, 9]], 'degenerate outline'],
    ['a ring beside the image', [rectangle(900, 900, 920, 920)], 'outside the image'],
    ['run lengths of another size', { size: [2, 2], counts: [1, 3] }, 'broken run lengths'],
    ['run lengths that do not add up', { size: [HEIGHT, WIDTH], counts: [5, 5] }, 'broken run lengths'],
  ])('ignore the box where there is %s, and count it', async (_name, segmentation, kind) => {
    const root = await makeCoco((training) => {
      training.annotations = training.annotations.filter((one) => one.image_id !== 1);
      training.annotations.push({ ...annotation(1, 1, segmentation, 700), bbox: [4, 6, 20, 30] } as Annotation);
    });
    const dataset = await open(root);
    const key = 'COCO_train2014_000000000001';
    const labels = await dataset.labels({ key, file: join(root, 'train2014', `${key}.jpg`) });
    expect(labels.data).toEqual(painted((x, y) => (inside(x, y, [4, 6, 24, 36]) ? 255 : 0)));
    expect(dataset.readings?.[0]?.leftOut).toMatchObject([{ kind, count: 1 }]);
    // It is never drawn as an image that shows the class.
    for (const fold of [0, 1, 'all'] as const) expect(keysOf(dataset.fold(fold).trainingEpisodes(0, 1))).not.toContain(key);
  });
});

describe('what is left out', () => {
  it.each([
    [
      'an unknown category',
      (data: ReturnType<typeof side>) => void data.annotations.push({ ...annotation(1, 1, [], 9), category_id: 5 }),
      'unknown label',
    ],
    [
      'an unknown image',
      (data: ReturnType<typeof side>) => void data.annotations.push(annotation(999, 1, [rectangle(0, 0, 9, 9)], 9)),
      'unknown image',
    ],
    [
      'an image in another folder',
      (data: ReturnType<typeof side>) => {
        data.images.push({ id: 9999, file_name: '../a.jpg', width: WIDTH, height: HEIGHT });
        data.annotations.push(annotation(9999, 1, [rectangle(0, 0, 9, 9)], 81));
      },
      'path outside the folder',
    ],
    ['an image twice', (data: ReturnType<typeof side>) => void data.images.push(data.images[0] as object), 'entry twice'],
    ['an entry that is none', (data: ReturnType<typeof side>) => void data.annotations.push(7 as never, {} as never), 'unreadable entry'],
  ])('%s', async (_name, change, kind) => {
    const dataset = await open(await makeCoco((training) => change(training)));
    expect(dataset.readings?.[0]?.leftOut.find((one) => one.kind === kind)).toMatchObject({ count: 1 });
  });

  it('is not an annotation without an area: its outline has one', async () => {
    const areas = [null, undefined, 0, 'big', -3];
    const root = await makeCoco((training) => training.annotations.forEach((one, i) => (one.area = areas[i % areas.length] as never)));
    const dataset = await open(root);
    expect(dataset.readings?.[0]?.leftOut).toEqual([]);
    expect(dataset.fold('all').trainingEpisodes(0, 1)).toEqual(
      (await open(await makeCoco()))
        .fold('all')
        .trainingEpisodes(0, 1)
        .map((one) => ({
          ...one,
          reference: expect.objectContaining({ key: one.reference.key }) as unknown,
          target: expect.objectContaining({ key: one.target.key }) as unknown,
        })),
    );
  });

  it('refuses other categories than the other file', async () => {
    const change = (data: ReturnType<typeof side>): unknown => (data.categories = [...CATEGORIES, { id: 91, name: 'more' }]);
    await expectRejection('DATASET_INVALID', open(await makeCoco((training) => void change(training))), /91 more/);
  });

  it('names missing images, folders and files', async () => {
    const root = await makeCoco();
    await rm(join(root, 'val2014/COCO_val2014_000000000510.jpg'));
    expect((await open(root)).readings?.[0]?.leftOut).toMatchObject([
      { kind: 'image not found', count: 1, examples: ['COCO_val2014_000000000510.jpg'] },
    ]);
    await rm(join(root, 'val2014'), { recursive: true });
    await expectRejection('DATASET_NOT_FOUND', open(root), 'no folder val2014/', 'cocodataset.org');
    await rm(join(root, 'annotations/instances_val2014.json'));
    await expectRejection('DATASET_NOT_FOUND', open(root), 'instances_val2014.json', 'train2014/');
  });
});
