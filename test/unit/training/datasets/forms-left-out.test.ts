/** Data sets of labeling tools of which something is left out, or all is refused. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { jpeg, put, tempFolder, WIDTH } from './make-data.ts';

import { cocoOf, images, nameOf } from './make-forms.ts';

describe('what is left out', () => {
  it('is counted by kind, and never followed out of the folder', async () => {
    const outside = await tempFolder();
    await images(outside, '.', [0, 1]);
    const root = await tempFolder();
    await images(root, 'images', [2, 3, 4, 5, 6, 7, 8, 9]);
    await mkdir(join(root, 'images'), { recursive: true });
    await symlink(join(outside, `${nameOf(0)}.jpg`), join(root, 'images', `${nameOf(0)}.jpg`));
    const data = cocoOf((i) => (i === 1 ? join(outside, `${nameOf(1)}.jpg`) : `${nameOf(i)}.jpg`));
    data.annotations.push({ ...(data.annotations[0] as (typeof data.annotations)[0]), id: 900, category_id: 77 });
    data.annotations.push({ ...(data.annotations[0] as (typeof data.annotations)[0]), id: 901, image_id: 77 });
    (data.images[9] as { width: number }).width = 65;
    await put(root, 'labels.json', JSON.stringify(data));
    const [reading] = (await openDataset(root)).readings ?? [];
    expect(Object.fromEntries(reading?.leftOut.map(({ kind, count }) => [kind, count]) ?? [])).toEqual({
      'link outside': 1,
      'path outside the folder': 1,
      'image not found': 1,
      'unknown label': 1,
      'unknown image': 1,
      'another size': 1,
    });
    expect(reading?.images).toBe(7);
  });

  it('never becomes background: an annotation without an outline ignores its box', async () => {
    const root = await tempFolder();
    await images(root, 'images');
    const data = cocoOf((i) => `${nameOf(i)}.jpg`);
    for (const one of data.annotations) if (one.category_id === 2 && one.image_id > 4) one.segmentation = [];
    for (const one of data.annotations) one.area = 500;
    await put(root, 'labels.json', JSON.stringify(data));
    const dataset = await openDataset(root, { testOn: 'all' });
    expect(dataset.readings?.[0]?.leftOut).toMatchObject([{ kind: 'no outline', count: 3 }]);
    const dogs = dataset
      .fold('all')
      .testEpisodes(200, 1)
      .filter(({ classId }) => classId === 2);
    expect(new Set(dogs.map(({ target }) => target.key))).toEqual(new Set(['images/photo_1', 'images/photo_3']));
    const labels = await dataset.labels({ key: 'images/photo_5', file: '' });
    expect(labels.data[5 * WIDTH + 40]).toBe(255);
  });
});

describe('forms that are refused', () => {
  it.each([
    [
      'boxes of YOLO',
      { 'data.yaml': 'train: images\nnames: [cup]\n', 'images/a.jpg': 'jpeg', 'labels/a.txt': '0 0.5 0.5 0.2 0.2\n' },
      /are boxes \(YOLO detection.*YOLO-seg/,
    ],
    ['poses of YOLO', { 'data.yaml': 'train: images\nnames: [cup]\nkpt_shape: [17, 3]\n' }, /poses/],
    [
      'VOC for detection',
      { 'Annotations/a.xml': '<annotation><object/></annotation>', 'JPEGImages/a.jpg': 'jpeg' },
      /Pascal VOC for detection.*Segmentation mask/,
    ],
    ['TFRecord', { 'cups.tfrecord': 'x' }, /TFRecord.*COCO/],
    [
      'KITTI',
      {
        'label_2/000001.txt': 'Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n',
        'image_2/000001.png': 'jpeg',
      },
      /KITTI/,
    ],
    ['CSV', { '_annotations.csv': 'filename,width\n', 'a.jpg': 'jpeg' }, /CSV/],
    ['an archive in the folder', { 'export.zip': 'PK' }, /an archive\. Unpack it/],
    [
      'COCO without any outline',
      {
        'a.json': JSON.stringify({
          images: [{ id: 1, file_name: 'a.jpg', width: 64, height: 48 }],
          categories: [{ id: 1, name: 'cup' }],
          annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 5, 5], area: 25 }],
        }),
        'a.jpg': 'jpeg',
      },
      /nothing is left to use.*1 annotations without an outline/,
    ],
    ['tracks of CVAT', { 'annotations.xml': '<annotations><version>1.1</version><track id="0"/></annotations>' }, /CVAT for video/],
    ['declarations in XML', { 'annotations.xml': '<!DOCTYPE a [<!ENTITY b "c">]><annotations><image/></annotations>' }, /declares/],
  ])('%s', async (_name, files, message) => {
    const root = await tempFolder();
    for (const [path, content] of Object.entries(files)) await put(root, path, content === 'jpeg' ? await jpeg() : content);
    await expectRejection('DATASET_INVALID', openDataset(root), message);
  });

  it('an archive that is named itself', async () => {
    const root = await tempFolder();
    await writeFile(join(root, 'export.zip'), 'PK\u0003\u0004....');
    await expectRejection('DATASET_INVALID', openDataset(join(root, 'export.zip')), 'Unpack it');
  });
});
