import { basename, dirname, join } from 'node:path';
import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../../src/training/datasets/index.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { folderData, put, tempFolder } from './make-data.ts';

const SHOWN = Array.from({ length: 12 }, (_, i) => [1 + (i % 2)]);

describe('recognising data', () => {
  it('opens a folder by its path and by its classes.json', async () => {
    const root = await folderData(SHOWN, ['cup', 'dog']);
    const [byFolder, byFile] = await Promise.all([openDataset(root), openDataset(join(root, 'classes.json'))]);
    expect(byFolder.name).toBe(basename(root));
    expect(byFile.name).toBe(byFolder.name);
    expect(byFile.fold('all').testEpisodes(20, 1)).toEqual(byFolder.fold('all').testEpisodes(20, 1));
  });

  it('opens a suite by its file and by the folder beside it', async () => {
    const root = await folderData(SHOWN, ['cup', 'dog']);
    const above = dirname(root);
    const name = basename(root);
    const images = Object.fromEntries(
      SHOWN.map(([id], i) => {
        const key = `img_${String(i).padStart(2, '0')}`;
        const files = { image: `${name}/images/${key}.jpg`, mask: `${name}/masks/${key}.png` };
        return [key, { ...files, w: 64, h: 48, split: i < 6 ? 'train' : 'test', area: { [String(id)]: 1 / 6 } }];
      }),
    );
    await rename(join(root, 'classes.json'), join(root, 'old.json'));
    await put(
      above,
      `${name}.json`,
      JSON.stringify({
        classes: [
          { id: 1, name: 'cup' },
          { id: 2, name: 'dog' },
        ],
        images,
      }),
    );
    const [byFile, byFolder] = await Promise.all([openDataset(`${root}.json`), openDataset(root)]);
    expect(byFile.name).toBe(name);
    expect(byFolder.fold('all').testEpisodes(20, 1)).toEqual(byFile.fold('all').testEpisodes(20, 1));
    expect(byFile.fold('all').trainingEpisodes(0, 1)).toHaveLength(6);
  });

  it('shows the trees it looked for, and where their data come from', async () => {
    const empty = await tempFolder();
    await expectRejection(
      'DATASET_NOT_FOUND',
      openDataset(empty),
      empty,
      'classes.json',
      'SegmentationClassAug',
      'instances_train2014.json',
      'SBD',
      'cocodataset.org',
    );
    const error = await expectRejection(
      'DATASET_NOT_FOUND',
      openDataset(join(empty, 'none'), { format: 'coco' }),
      'no such folder',
      'this tree',
    );
    expect(error.message).not.toContain('classes.json');
  });

  it('says what of a folder is missing', async () => {
    const root = await tempFolder();
    await put(root, 'images/a.jpg', '');
    await expectRejection('DATASET_NOT_FOUND', openDataset(root), 'no classes.json');
    await put(root, 'classes.json', '["cup"]');
    await expectRejection('DATASET_NOT_FOUND', openDataset(root), 'no folder masks/');
  });

  it('refuses options that make no sense', async () => {
    for (const options of [{ minArea: 2 }, { minPixels: 0 }, { leaveOut: [0] }, { testOn: 'some' as never }, { format: 'voc' as never }]) {
      await expectRejection('OPTION_INVALID', openDataset('/nowhere', options), String(Object.keys(options)[0]));
    }
  });
});
