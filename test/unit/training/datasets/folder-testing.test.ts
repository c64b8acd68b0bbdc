import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openDataset, type OpenDatasetOptions } from '../../../../src/training/datasets/index.ts';
import { bmpFile, tiffFile } from '../../../support/image-files.ts';
import { bands, folderData, HEIGHT, keysOf, labelPng, put, tempFolder, WIDTH } from './make-data.ts';

const NAMES = ['cup', 'dog', 'fork', 'gate', 'hat'];
/** 40 images of two classes each. */
const SHOWN = Array.from({ length: 40 }, (_, i) => [1 + (i % 5), 1 + ((i + 1 + Math.floor(i / 20)) % 5)]);

describe('own folders that only measure', () => {
  it('test on every image where the model never trained on them', async () => {
    const root = await folderData(SHOWN, {
      classes: NAMES,
      split: { test: SHOWN.slice(0, 20).map((_, i) => `img_${String(i).padStart(2, '0')}`) },
    });
    const seen = async (options?: OpenDatasetOptions) => keysOf((await openDataset(root, options)).fold('all').testEpisodes(400, 1)).size;
    expect(await seen()).toBe(20);
    expect(await seen({ testOn: 'held-back' })).toBe(20);
    expect(await seen({ testOn: 'all' })).toBe(SHOWN.length);
  });

  it('test on a fold whose other classes too few images show to train on', async () => {
    const single = await openDataset(await folderData([...SHOWN, [6]], [...NAMES, 'rare']));
    expect(single.fold(0).testEpisodes(4, 1)).toHaveLength(4);
  });
});

describe('own folders with images of every readable format', () => {
  const SIZE = { width: WIDTH, height: HEIGHT };
  const grey = new Uint8Array(3 * WIDTH * HEIGHT).fill(90);
  const picture = () => sharp(grey, { raw: { ...SIZE, channels: 3 } });
  it.each<[string, () => Promise<Uint8Array> | Uint8Array]>([
    ['bmp', () => bmpFile(grey, SIZE)],
    ['tif', () => tiffFile(new Float32Array(WIDTH * HEIGHT).fill(0.4), { ...SIZE, format: 3 })],
    ['tiff', () => picture().tiff().toBuffer()],
    ['webp', () => picture().webp().toBuffer()],
    ['gif', () => picture().gif().toBuffer()],
    ['avif', () => picture().avif().toBuffer()],
    ['jfif', () => picture().jpeg().toBuffer()],
  ])('%s', async (ending, bytes) => {
    const root = await tempFolder();
    await put(root, 'classes.json', JSON.stringify(['cup']));
    for (const name of ['a', 'b', 'c', 'd']) {
      await put(root, `images/${name}.${ending}`, await bytes());
      await put(root, `masks/${name}.png`, labelPng(bands([1])));
    }
    const dataset = await openDataset(root, { testOn: 'all' });
    expect(keysOf(dataset.fold('all').testEpisodes(40, 1)).size).toBe(4);
  });
});
