/** Best, middle and worst pairs of a measured set as images: the reference with its mask, the prediction, the truth. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGallery } from '../../src/cli/eval/gallery.ts';
import { BASELINES, contestantsOf } from '../../src/training/evaluation/entries.ts';
import { evaluate } from '../../src/training/evaluation/evaluate.ts';
import type { EpisodeRow } from '../../src/training/evaluation/result.ts';
import type { Dataset, Episode } from '../../src/training/types.ts';
import { cellOf, SIDE, type MeasureOptions } from './cells.ts';
import type { ResultSet } from './sets.ts';

/** Writes `<set>-<kind>-<number>.png` and `<set>.txt` with their captions into `pictures` below the output. */
export async function writePictures(options: MeasureOptions, set: ResultSet, dataset: Dataset, count: number): Promise<void> {
  const folder = join(options.out, 'pictures');
  mkdirSync(folder, { recursive: true });
  const rows = set.folds.flatMap((fold) => cellOf<EpisodeRow>(options, set, fold, 'prosam') ?? []);
  const sorted = rows.toSorted((a, b) => b.iou - a.iou);
  const middle = Math.floor((sorted.length - count) / 2);
  const chosen = { best: sorted.slice(0, count), middle: sorted.slice(middle, middle + count), worst: sorted.slice(-count) };
  const captions: string[] = [];
  for (const [kind, picked] of Object.entries(chosen)) {
    for (const [i, row] of picked.entries()) {
      const gallery = createGallery(dataset.classes);
      await evaluate({
        ...{
          dataset: only(dataset, row),
          folds: ['all'],
          contestants: [...contestantsOf({ models: [options.model], methods: ['prosam'] }), ...BASELINES],
        },
        ...{ pairs: 1, size: SIDE, threads: options.threads, cacheDir: join(options.out, 'features'), onPair: gallery.keep },
      });
      for (const { png, caption } of await gallery.images()) {
        const name = `${set.name}-${kind}-${i + 1}`;
        writeFileSync(join(folder, `${name}.png`), png);
        captions.push(`${name} ${caption.replace(/^\w+: /, '')}`);
      }
    }
  }
  writeFileSync(join(folder, `${set.name}.txt`), `${captions.join('\n')}\n`);
}

/** The data set with one pair. */
function only(dataset: Dataset, { fold, classId, reference, target }: EpisodeRow): Dataset {
  const whole = dataset.fold(fold === 'all' ? 'all' : Number(fold));
  const episode = whole
    .testEpisodes(1000, 321)
    .find((one): one is Episode => one.classId === classId && one.reference.key === reference && one.target.key === target);
  if (episode === undefined) throw new Error(`expected the pair ${reference} to ${target} in ${dataset.name}, found none`);
  return { ...dataset, fold: () => ({ ...whole, novel: [classId], testEpisodes: () => [episode] }) };
}
