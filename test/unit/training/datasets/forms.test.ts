/** Data sets as labeling tools export them. */
import { encode } from 'fast-png';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeBrushRleSync } from '../../../../src/core/mask/brush-rle.ts';
import { cvatRleFromMaskSync } from '../../../../src/core/mask/cvat-rle.ts';
import { cocoRleFromMaskSync } from '../../../../src/core/mask/rle.ts';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { HEIGHT, jpeg, labelPng, put, tempFolder, WIDTH } from './make-data.ts';

import { COUNT, cocoOf, expected, DOCUMENT, boxesOf, expectMarked, images, nameOf, pairs, ring, within, type Box } from './make-forms.ts';

describe('forms of one tool that are read', () => {
  it('CVAT for images: polygons, masks, boxes and ellipses', async () => {
    const root = await tempFolder();
    await images(root, 'images');
    const shape = (name: string, box: Box, i: number): string => {
      const [x0, y0, x1, y1] = box;
      if (i % 3 === 0)
        return `<polygon label="${name}" source="manual" points="${pairs(box)
          .map((pair) => pair.map((v) => v.toFixed(2)).join(','))
          .join(';')}" z_order="0"></polygon>`;
      if (i % 3 === 1)
        return `<mask label="${name}" rle="${cvatRleFromMaskSync(within(box)).slice(0, -4).join(', ')}" left="${x0}" top="${y0}" width="${x1 - x0}" height="${y1 - y0}" z_order="0"/>`;
      return `<box label="${name}" xtl="${x0}" ytl="${y0}" xbr="${x1}" ybr="${y1}" z_order="0"><attribute name="a">b</attribute></box>`;
    };
    const items = Array.from(
      { length: COUNT },
      (_, i) =>
        `<image id="${i}" name="${nameOf(i)}.jpg" width="${WIDTH}" height="${HEIGHT}">${boxesOf(i)
          .map(([name, box]) => shape(name, box, i))
          .join('')}</image>`,
    );
    await put(root, 'annotations.xml', DOCUMENT(items.join('\n')));
    const dataset = await openDataset(root);
    await expectMarked(dataset, 'CVAT for images');
    expect(dataset.readings?.[0]?.notes.join()).toContain('boxes were read as filled rectangles');
  });

  it("CVAT's segmentation masks, by the colours of labelmap.txt, and VOC's palette without one", async () => {
    const root = await tempFolder();
    await images(root, 'JPEGImages');
    const colours = [
      [0, 0, 0],
      [250, 50, 83],
      [51, 221, 255],
    ];
    for (let i = 0; i < COUNT; i++) {
      const rgb = Uint8Array.from([...expected(i)].flatMap((id) => colours[id] as number[]));
      await put(root, `SegmentationClass/${nameOf(i)}.png`, encode({ data: rgb, width: WIDTH, height: HEIGHT, channels: 3 }));
      await put(root, `SegmentationObject/${nameOf(i)}.png`, encode({ data: rgb, width: WIDTH, height: HEIGHT, channels: 3 }));
    }
    await put(root, 'labelmap.txt', '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncup:250,50,83::\ndog:51,221,255::\n');
    await put(root, 'ImageSets/Segmentation/default.txt', Array.from({ length: COUNT }, (_, i) => nameOf(i)).join('\n'));
    await expectMarked(await openDataset(root), 'Pascal VOC label maps');

    const indexed = await tempFolder();
    await images(indexed, 'JPEGImages');
    for (let i = 0; i < COUNT; i++) await put(indexed, `SegmentationClass/${nameOf(i)}.png`, labelPng(expected(i)));
    await put(indexed, 'class_names.txt', '__ignore__\n_background_\ncup\ndog\n');
    await put(indexed, 'ImageSets/Segmentation/train.txt', [0, 1, 2, 3, 4, 5].map(nameOf).join('\n'));
    await put(indexed, 'ImageSets/Segmentation/val.txt', [6, 7, 8, 9].map(nameOf).join('\n'));
    await expectMarked(await openDataset(indexed), 'Pascal VOC label maps');

    const bare = await tempFolder();
    for (let i = 0; i < COUNT; i++) await put(bare, `SegmentationClass/${nameOf(i)}.png`, labelPng(expected(i)));
    await expectRejection('DATASET_INVALID', openDataset(bare), 'Save images');
  });

  it('labelme: beside the image, elsewhere in the folder, and inside the file', async () => {
    const root = await tempFolder();
    const picture = await jpeg();
    for (let i = 0; i < COUNT; i++) {
      const shapes = await Promise.all(
        boxesOf(i).map(async ([label, box]) => {
          const [x0, y0, x1, y1] = box;
          if (i % 3 === 0) return { label, shape_type: 'polygon', points: pairs(box) };
          if (i % 3 === 1)
            return {
              label,
              shape_type: 'rectangle',
              points: [
                [x1, y1],
                [x0, y0],
              ],
            };
          const cut = await sharp(Buffer.alloc((x1 - x0) * (y1 - y0), 1), { raw: { width: x1 - x0, height: y1 - y0, channels: 1 } })
            .toColourspace('b-w')
            .png()
            .toBuffer();
          return {
            label,
            shape_type: 'mask',
            points: [
              [x0, y0],
              [x1 - 1, y1 - 1],
            ],
            mask: cut.toString('base64'),
          };
        }),
      );
      const imagePath = i < 4 ? `${nameOf(i)}.jpg` : i < 7 ? `..\\pictures\\${nameOf(i)}.jpg` : `/home/someone/${nameOf(i)}.jpg`;
      await put(
        root,
        `labels/${nameOf(i)}.json`,
        JSON.stringify({
          version: '5.4.1',
          flags: {},
          shapes,
          imagePath,
          imageData: i < 7 ? null : Buffer.from(picture).toString('base64'),
          imageHeight: HEIGHT,
          imageWidth: WIDTH,
        }),
      );
      if (i < 7) await put(root, `${i < 4 ? 'labels' : 'pictures'}/${nameOf(i)}.jpg`, picture);
    }
    const dataset = await openDataset(root);
    await expectMarked(dataset, 'labelme');
    expect(dataset.readings?.[0]?.notes.join()).toContain('3 images were taken out of their JSON files');
  });

  it('Datumaro', async () => {
    const root = await tempFolder();
    await images(root, 'images/train', [0, 1, 2, 3, 4, 5]);
    await images(root, 'images/test', [6, 7, 8, 9]);
    const items = (which: number[]) =>
      which.map((i) => ({
        id: nameOf(i),
        annotations: boxesOf(i).map(([name, box], j) => ({
          id: j,
          label_id: name === 'cup' ? 0 : 1,
          group: 0,
          ...(i % 2 === 0 ? { type: 'polygon', points: ring(box), z_order: 0 } : { type: 'mask', rle: cocoRleFromMaskSync(within(box)) }),
        })),
        image: { path: `${nameOf(i)}.jpg`, size: [HEIGHT, WIDTH] },
      }));
    const categories = {
      label: {
        labels: [
          { name: 'cup', parent: '', attributes: [] },
          { name: 'dog', parent: '' },
        ],
      },
    };
    await put(root, 'annotations/train.json', JSON.stringify({ info: {}, categories, items: items([0, 1, 2, 3, 4, 5]) }));
    await put(root, 'annotations/test.json', JSON.stringify({ info: {}, categories, items: items([6, 7, 8, 9]) }));
    await expectMarked(await openDataset(root), 'Datumaro');
  });

  it.each(['JSON', 'JSON-MIN'])("Label Studio's %s", async (kind) => {
    const root = await tempFolder();
    await images(root, 'images');
    const percent = (v: number, i: number): number => (100 * v) / (i % 2 === 0 ? WIDTH : HEIGHT);
    const regions = (i: number) =>
      boxesOf(i).map(([name, box]) => {
        const [x, y, x1, y1] = box.map(percent) as unknown as Box;
        const [type, value] =
          i % 3 === 0
            ? ['polygonlabels', { points: pairs(box).map((pair) => pair.map(percent)) }]
            : i % 3 === 1
              ? ['brushlabels', { format: 'rle', rle: [...encodeBrushRleSync(within(box))] }]
              : ['rectanglelabels', { x, y, width: x1 - x, height: y1 - y, rotation: 0 }];
        return {
          type,
          value: { ...(value as object), [type]: [name] },
          original_width: WIDTH,
          original_height: HEIGHT,
          from_name: 'a',
        };
      });
    const address = (i: number): string =>
      i % 2 === 0 ? `/data/upload/3/0a1b2c3d-${nameOf(i)}.jpg` : `/data/local-files/?d=images%2F${nameOf(i)}.jpg`;
    const tasks = Array.from({ length: COUNT }, (_, i) =>
      kind === 'JSON'
        ? { id: i, annotations: [{ id: i, was_cancelled: false, result: regions(i) }], data: { image: address(i) } }
        : {
            id: i,
            image: address(i),
            annotator: 1,
            tag: regions(i).map(({ value, ...rest }) => ({
              ...value,
              original_width: rest.original_width,
              original_height: rest.original_height,
            })),
          },
    );
    await put(root, 'project.json', JSON.stringify(tasks));
    await expectMarked(await openDataset(root), 'Label Studio');
  });

  it('names in either Unicode form', async () => {
    const root = await tempFolder();
    const picture = await jpeg();
    const data = cocoOf((i) => `Gr\u00fc\u00dfe_${nameOf(i)}.jpg`);
    for (let i = 0; i < COUNT; i++) await put(root, `images/Gru\u0308\u00dfe_${nameOf(i)}.jpg`, picture);
    await put(root, 'labels.json', JSON.stringify(data));
    await expectMarked(await openDataset(root), 'COCO');
  });
});
