/** Best, middle and worst pairs of a measured set as images: the reference with its mask, the prediction, the truth. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { createGallery, type GalleryImage } from '../../src/cli/eval/gallery.ts';
import type { Engine } from '../../src/core/engine/types.ts';
import { DEFAULT_SEED } from '../../src/core/engine/defaults.ts';
import { contestantsOf } from '../../src/training/evaluation/entries.ts';
import { evaluate } from '../../src/training/evaluation/evaluate.ts';
import type { EpisodeRow } from '../../src/training/evaluation/result.ts';
import type { Dataset } from '../../src/training/types.ts';
import { cellOf, SIDE, type MeasureOptions } from './cells.ts';
import type { ResultSet } from './sets.ts';

/** Width of the sheet, and of the gap between its rows. */
const [WIDTH, GAP] = [640, 8];

export interface PictureParts {
  set: ResultSet;
  dataset: Dataset;
  engine: Engine;
  /** Pairs of each kind. */
  count: number;
  /** Keys of images that no picture may show. */
  skip: readonly string[];
}

/** Writes `pictures/<set>.jpg` below the output, best pairs above, and `<set>.txt` with a caption a row. */
export async function writePictures(options: MeasureOptions, { set, dataset, engine, count, skip }: PictureParts): Promise<void> {
  const folder = join(options.out, 'pictures');
  mkdirSync(folder, { recursive: true });
  const rows = set.folds.flatMap((fold) => cellOf<EpisodeRow>(options.out, set, fold, 'prosam').rows);
  const shown = rows.filter(({ reference, target }) => !skip.includes(reference) && !skip.includes(target));
  const sorted = shown.toSorted((a, b) => b.iou - a.iou);
  const chosen = {
    best: distinct(sorted, count),
    middle: distinct(sorted.slice(Math.floor((sorted.length - count) / 2)), count),
    worst: distinct(sorted.toReversed(), count).toReversed(),
  };
  const images: GalleryImage[] = [];
  for (const [kind, picked] of Object.entries(chosen)) {
    for (const row of picked) {
      const gallery = createGallery(dataset.classes);
      await evaluate({
        ...{
          dataset: only(dataset, set, row),
          folds: ['all'],
          contestants: contestantsOf({ models: [options.model], methods: ['prosam'] }),
        },
        ...{ size: SIDE, onPair: gallery.keep, open: () => Promise.resolve({ ...engine, close: () => Promise.resolve() }) },
      });
      for (const { png, caption } of await gallery.images()) images.push({ png, caption: caption.replace(/^\w+/, kind) });
    }
  }
  await writeSheet(join(folder, `${set.name}.jpg`), images);
  writeFileSync(join(folder, `${set.name}.txt`), images.map(({ caption }) => `${caption}\n`).join(''));
}

/** The first few that show different targets. */
function distinct(rows: readonly EpisodeRow[], count: number): EpisodeRow[] {
  return rows.filter(({ target }, i) => rows.findIndex((row) => row.target === target) === i).slice(0, count);
}

async function writeSheet(file: string, images: readonly GalleryImage[]): Promise<void> {
  const strips = await Promise.all(images.map(({ png }) => sharp(png).resize({ width: WIDTH }).toBuffer({ resolveWithObject: true })));
  let top = 0;
  const layers = strips.map(({ data, info }) => {
    const layer = { input: data, left: 0, top };
    top += info.height + GAP;
    return layer;
  });
  await sharp({ create: { width: WIDTH, height: Math.max(1, top - GAP), channels: 3, background: '#ffffff' } })
    .composite(layers)
    .jpeg({ quality: 80 })
    .toFile(file);
}

/** The data set with one pair. */
function only(dataset: Dataset, set: ResultSet, { fold, classId, reference, target }: EpisodeRow): Dataset {
  const whole = dataset.fold(fold === 'all' ? 'all' : Number(fold));
  const episode = whole
    .testEpisodes(set.pairs, DEFAULT_SEED)
    .find((one) => one.classId === classId && one.reference.key === reference && one.target.key === target);
  if (episode === undefined) throw new Error(`expected the pair ${reference} to ${target} in ${dataset.name}, found none`);
  return { ...dataset, fold: () => ({ ...whole, novel: [classId], testEpisodes: () => [episode] }) };
}
