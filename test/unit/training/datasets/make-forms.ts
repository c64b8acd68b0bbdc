/** Makings of data sets as labeling tools export them. Shapes are rectangles along pixels, so that every rasteriser gives the same label map. */
import { expect } from 'vitest';
import type { Dataset } from '../../../../src/training/types.ts';
import { HEIGHT, jpeg, put, WIDTH } from './make-data.ts';

export const COUNT = 10;
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];
/** Each image shows a cup on the left; every other one a dog on the right, too. */
const CUP: Box = [8, 8, 24, 40];
const DOG: Box = [32, 4, 60, 20];
export const boxesOf = (i: number): [name: 'cup' | 'dog', box: Box][] =>
  i % 2 === 0
    ? [['cup', CUP]]
    : [
        ['cup', CUP],
        ['dog', DOG],
      ];
export const nameOf = (i: number): string => `photo_${i}`;
export const ring = ([x0, y0, x1, y1]: Box): number[] => [x0, y0, x1, y0, x1, y1, x0, y1];
export const pairs = (box: Box): number[][] => Array.from({ length: 4 }, (_, i) => ring(box).slice(2 * i, 2 * i + 2));
export const within = ([x0, y0, x1, y1]: Box) => ({
  data: Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    return x >= x0 && x < x1 && y >= y0 && y < y1 ? 1 : 0;
  }),
  width: WIDTH,
  height: HEIGHT,
});
export const expected = (i: number): Uint8Array => {
  const out = new Uint8Array(WIDTH * HEIGHT);
  for (const [name, box] of boxesOf(i)) within(box).data.forEach((value, at) => value === 1 && (out[at] = name === 'cup' ? 1 : 2));
  return out;
};

export async function images(root: string, folder: string, which = Array.from({ length: COUNT }, (_, i) => i)): Promise<void> {
  const picture = await jpeg();
  for (const i of which) await put(root, `${folder}/${nameOf(i)}.jpg`, picture);
}

/** Value of iscrowd, which tools write in several forms. */
const notCrowd: number | boolean = Number(false);

export function cocoOf(
  fileOf: (i: number) => string,
  which = Array.from({ length: COUNT }, (_, i) => i),
  segmentationOf = (box: Box): unknown => [ring(box)],
) {
  return {
    images: which.map((i) => ({ id: i + 1, file_name: fileOf(i), width: WIDTH, height: HEIGHT })),
    // Roboflow's root category, which nothing uses.
    categories: [
      { id: 0, name: 'things', supercategory: 'none' },
      { id: 1, name: 'cup' },
      { id: 2, name: 'dog' },
    ],
    annotations: which.flatMap((i) =>
      boxesOf(i).map(([name, box], j) => ({
        id: 10 * i + j,
        image_id: i + 1,
        category_id: name === 'cup' ? 1 : 2,
        segmentation: segmentationOf(box),
        area: null as number | null,
        iscrowd: notCrowd,
        bbox: [box[0], box[1], box[2] - box[0], box[3] - box[1]],
      })),
    ),
  };
}

/** Every image's label map is the one that was marked. */
export async function expectMarked(dataset: Dataset, form: string, { all = COUNT } = {}): Promise<void> {
  expect(dataset.readings).toMatchObject([{ form, images: all, labels: 2, leftOut: [] }]);
  expect(dataset.classes).toEqual([
    { id: 1, name: 'cup' },
    { id: 2, name: 'dog' },
  ]);
  const fold = dataset.fold('all');
  const seen = new Map(
    [...fold.trainingEpisodes(0, 1), ...fold.testEpisodes(60, 1)].flatMap(
      ({ reference, target }) =>
        [
          [reference.key, reference],
          [target.key, target],
        ] as const,
    ),
  );
  expect(seen.size).toBeGreaterThan(all / 2);
  for (const [key, image] of seen) {
    const i = Number(/photo_(\d+)/.exec(key)?.[1]);
    expect((await dataset.labels(image)).data, key).toEqual(expected(i));
  }
}

const yoloLine = (name: string, box: Box): string =>
  `${name === 'cup' ? 0 : 1} ${ring(box)
    .map((value, i) => value / (i % 2 === 0 ? WIDTH : HEIGHT))
    .join(' ')}`;

export async function yolo(root: string, folder: (kind: 'images' | 'labels', i: number) => string): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    await put(root, `${folder('images', i)}/${nameOf(i)}.jpg`, await jpeg());
    await put(
      root,
      `${folder('labels', i)}/${nameOf(i)}.txt`,
      boxesOf(i)
        .map(([name, box]) => yoloLine(name, box))
        .join('\r\n'),
    );
  }
}

export const DOCUMENT = (items: string): string => `\uFEFF<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels><label><name>cup</name></label><label><name>dog</name></label></labels></task></meta>${items}</annotations>`;
