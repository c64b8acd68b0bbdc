/** Data sets that the results page is measured on. */
import { join } from 'node:path';
import { openDataset, scenesDataset } from '../../src/training/datasets/index.ts';
import type { Dataset, Fold, LabelMap } from '../../src/training/types.ts';

export interface ResultSet {
  name: string;
  title: string;
  folds: readonly (number | 'all')[];
  /** Pairs a fold: of prosam, nearest and the trivial answers; of everything else, of which the first few say enough. */
  pairs: number;
  few: number;
  /** data: folder of the photo sets. own: folder for what is generated. */
  open(data: string, own: string): Promise<Dataset>;
}

const suite = (name: string, title: string, folds: number, pairs: number, few = 60): ResultSet => ({
  ...{ name, title, pairs, few },
  folds: Array.from({ length: folds }, (_, i) => i),
  open: (data) => openDataset(join(data, `${name}.json`)),
});
const unseen = (name: string, title: string): ResultSet => ({
  ...{ name, title, folds: ['all'], pairs: 120, few: 120 },
  open: (data) => openDataset(join(data, 'unseen', name), { testOn: 'all' }),
});

export const SETS: readonly ResultSet[] = [
  suite('coco', 'COCO photos', 4, 200),
  suite('ccp', 'clothing', 4, 100),
  suite('animals', 'animals', 3, 200),
  unseen('carparts', 'car parts, unseen'),
  unseen('cwfid', 'crop and weed, unseen'),
  {
    ...{ name: 'ground', title: 'soil and plants, unseen', folds: ['all'], pairs: 120, few: 60 },
    open: async (data) => groundOf(await openDataset(join(data, 'unseen', 'cwfid'), { testOn: 'all' })),
  },
  { ...suite('scenes', 'generated scenes', 4, 48, 24), open: (_, own) => scenesDataset(join(own, 'scenes'), { images: 384, size: 320 }) },
  suite('cardamage', 'car damage', 3, 60, 30),
];

const [SOIL, PLANTS] = [1, 2];

/** Crop and weed as stuff: bare soil, which is background in the data, and everything that grows. */
export function groundOf(field: Dataset): Dataset {
  const classes = [
    { id: SOIL, name: 'soil' },
    { id: PLANTS, name: 'plants' },
  ];
  const relabelled = ({ data, ...size }: LabelMap): LabelMap => ({
    ...size,
    data: data.map((label) => (label === 0 ? SOIL : label === 255 ? 255 : PLANTS)),
  });
  const foldOf = (fold: Fold): Fold => ({
    ...fold,
    base: [SOIL, PLANTS],
    novel: [SOIL, PLANTS],
    // Every image shows both.
    testEpisodes: (count, seed) =>
      fold.testEpisodes(count, seed).map((episode, i) => ({ ...episode, classId: i % 2 === 0 ? SOIL : PLANTS })),
  });
  return {
    ...field,
    ...{ name: 'ground', classes, folds: 0 },
    fold: () => foldOf(field.fold('all')),
    labels: async (image) => relabelled(await field.labels(image)),
  };
}
