import { describe, expect, it } from 'vitest';
import { openDataset, type OpenDatasetOptions } from '../../../../src/training/datasets/index.ts';
import { folderData, keysOf } from './make-data.ts';

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
