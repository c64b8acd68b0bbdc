/** Data sets as labeling tools export them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cocoRleFromMaskSync, runsFromMask } from '../../../../src/core/mask/rle.ts';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { HEIGHT, put, tempFolder, WIDTH } from './make-data.ts';

import { cocoOf, expectMarked, images, nameOf, pairs, ring, within, yolo, type Box } from './make-forms.ts';

describe('forms that are read', () => {
  it.each([
    [
      'its folders beside data.yaml',
      (kind: string, i: number) => `${kind}/${i < 6 ? 'train' : 'val'}`,
      'path: .\ntrain: images/train\nval: images/val\nnames:\n  0: cup\n  1: "dog"\n',
    ],
    [
      "Roboflow's folders",
      (kind: string, i: number) => `${i < 6 ? 'train' : 'valid'}/${kind}`,
      "\uFEFFtrain: ../train/images\nval: ../valid/images\n\nnc: 2\nnames: ['cup',\n  'dog']\n",
    ],
    [
      'names that are anchored, and a path elsewhere',
      (kind: string, i: number) => `${kind}/${i < 6 ? 'train' : 'val'}`,
      'path: /somewhere/else\nnames: &n [cup, dog]\nextra: *n\ntrain: images/train\nval: images/val\n',
    ],
  ])('YOLO-seg with %s, and its split', async (_name, folder, yaml) => {
    const root = await tempFolder();
    await yolo(root, folder);
    await put(root, 'data.yaml', yaml);
    const dataset = await openDataset(root);
    await expectMarked(dataset, 'YOLO-seg');
    const tested = new Set(
      dataset
        .fold('all')
        .testEpisodes(50, 1)
        .map(({ target }) => Number(/photo_(\d+)/.exec(target.key)?.[1])),
    );
    expect([...tested].every((i) => i >= 6)).toBe(true);
    await expectMarked(await openDataset(join(root, 'data.yaml')), 'YOLO-seg');
  });

  it('YOLO-seg with classes.txt alone', async () => {
    const root = await tempFolder();
    await yolo(root, (kind) => kind);
    await put(root, 'classes.txt', 'cup\ndog\n');
    await expectMarked(await openDataset(root), 'YOLO-seg');
  });

  it('COCO of Roboflow, of CVAT with subset folders, of Windows, and one file by its path', async () => {
    const half = [0, 1, 2, 3, 4, 5];
    const rest = [6, 7, 8, 9];
    const roboflow = await tempFolder();
    await images(roboflow, 'train', half);
    await images(roboflow, 'valid', rest);
    await put(roboflow, 'train/_annotations.coco.json', JSON.stringify(cocoOf((i) => `${nameOf(i)}.jpg`, half)));
    await put(roboflow, 'valid/_annotations.coco.json', `\uFEFF${JSON.stringify(cocoOf((i) => `${nameOf(i)}.jpg`, rest))}`);
    const dataset = await openDataset(roboflow);
    await expectMarked(dataset, 'COCO');
    expect(dataset.readings?.[0]?.notes.join()).toContain('labels without anything to draw were left out: things');
    const trained = dataset
      .fold('all')
      .trainingEpisodes(0, 1)
      .map(({ target }) => target.key);
    expect(trained.every((key) => key.startsWith('train/'))).toBe(true);

    const cvat = await tempFolder();
    await images(cvat, 'images/day one');
    await put(cvat, 'annotations/instances_default.json', JSON.stringify(cocoOf((i) => `day one/${nameOf(i)}.jpg`)));
    await expectMarked(await openDataset(cvat), 'COCO');
    await expectMarked(await openDataset(join(cvat, 'annotations/instances_default.json')), 'COCO');

    const windows = await tempFolder();
    await images(windows, 'images');
    await put(windows, 'result.json', JSON.stringify(cocoOf((i) => `images\\${nameOf(i)}.jpg`)));
    await expectMarked(await openDataset(windows), 'COCO');
  });

  it('COCO with run lengths, overlapping rings and NaN as Python writes it', async () => {
    const root = await tempFolder();
    await images(root, 'images');
    const parts = ([x0, y0, x1, y1]: Box): number[][] => [ring([x0, y0, x1 - 2, y1]), ring([x0 + 2, y0, x1, y1])];
    const forms = [
      (box: Box) => cocoRleFromMaskSync(within(box)),
      (box: Box) => ({ size: [HEIGHT, WIDTH], counts: runsFromMask(within(box)) }),
      parts,
      (box: Box) => ring(box),
      (box: Box) => [pairs(box)],
    ];
    let next = 0;
    const text = JSON.stringify(
      cocoOf(
        (i) => `${nameOf(i)}.jpg`,
        undefined,
        (box) => (forms[next++ % forms.length] as (box: Box) => unknown)(box),
      ),
    );
    await put(root, 'labels.json', text.replaceAll('"area":null', '"area":NaN'));
    await expectMarked(await openDataset(root), 'COCO');
  });

  it('COCO whose outlines are all crowds, and says so', async () => {
    const root = await tempFolder();
    await images(root, 'images');
    const data = cocoOf(
      (i) => `${nameOf(i)}.jpg`,
      undefined,
      (box) => cocoRleFromMaskSync(within(box)),
    );
    data.annotations.forEach((one) => (one.iscrowd = 1));
    await put(root, 'labels.json', JSON.stringify(data));
    const dataset = await openDataset(root);
    await expectMarked(dataset, 'COCO');
    expect(dataset.readings?.[0]?.notes.join()).toContain('--crowds ignore');
    await expectRejection('DATASET_INVALID', openDataset(root, { crowds: 'ignore' }), '--crowds objects');
    data.annotations.forEach((one) => (one.iscrowd = one.category_id === 1 ? false : true));
    await put(root, 'labels.json', JSON.stringify(data));
    const mixed = await openDataset(root);
    expect(mixed.readings?.[0]).toMatchObject({ labels: 1, leftOut: [{ kind: 'crowd', count: 5 }] });
    await expectMarked(await openDataset(root, { crowds: 'objects' }), 'COCO');
  });
});
