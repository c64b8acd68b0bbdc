/** Images of the best, median and worst pairs of an evaluation's first entry. */
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { cocoRleFromMaskSync, maskFromCocoRle } from '../../core/mask/rle.ts';
import type { EvaluateOptions } from '../../training/evaluation/evaluate.ts';
import type { EpisodeRow } from '../../training/evaluation/result.ts';
import type { DatasetClass, Episode } from '../../training/types.ts';
import { COLORS, readPicture, sideBySide, withMask } from '../common/draw.ts';

export interface GalleryPicture {
  caption: string;
  png: Uint8Array;
}

export interface Gallery {
  /** Keeps a pair; masks are stored as run lengths. */
  keep: NonNullable<EvaluateOptions['onPair']>;
  /** Reference with its mark, target with the prediction, target with the truth, side by side. */
  pictures(): Promise<GalleryPicture[]>;
}

type Runs = ReturnType<typeof cocoRleFromMaskSync>;

interface Kept {
  episode: Episode;
  row: EpisodeRow;
  mark: Runs;
  prediction: Runs;
  truth: Runs;
}

const OF_EACH = 3;
const LONGEST = 320;

export function createGallery(classes: readonly DatasetClass[]): Gallery {
  const kept: Kept[] = [];
  return {
    keep({ episode, mark, truth }, answers) {
      const [first] = answers;
      if (first === undefined) return;
      const runs = (mask: BinaryMask): Runs => cocoRleFromMaskSync(mask);
      kept.push({ episode, row: first.row, mark: runs(mark.mask), prediction: runs(first.mask), truth: runs(truth) });
    },
    async pictures() {
      const found: GalleryPicture[] = [];
      for (const { what, one } of chosen(kept)) {
        const { episode, row } = one;
        const name = classes.find(({ id }) => id === episode.classId)?.name ?? `class ${episode.classId}`;
        const caption = `${what}: ${name}, IoU ${row.iou.toFixed(3)} (fold ${row.fold}, ${episode.reference.key} to ${episode.target.key})`;
        found.push({ caption, png: await strip(one) });
      }
      return found;
    },
  };
}

/** Chooses at most three of each kind, no pair twice. */
function chosen(kept: readonly Kept[]): { what: string; one: Kept }[] {
  const sorted = kept.toSorted((a, b) => b.row.iou - a.row.iou);
  const count = Math.min(OF_EACH, Math.max(1, Math.floor(sorted.length / 3)));
  const middle = Math.floor((sorted.length - count) / 2);
  const picks = new Map<Kept, string>();
  const pick = (what: string, from: number): void => {
    for (const one of sorted.slice(Math.max(0, from), from + count)) if (!picks.has(one)) picks.set(one, what);
  };
  pick('best', 0);
  pick('worst', sorted.length - count);
  pick('median', middle);
  return ['best', 'median', 'worst'].flatMap((kind) =>
    [...picks].filter(([, what]) => what === kind).map(([one, what]) => ({ what, one })),
  );
}

async function strip({ episode, mark, prediction, truth }: Kept): Promise<Uint8Array> {
  const [reference, target] = [await readPicture(episode.reference.file, LONGEST), await readPicture(episode.target.file, LONGEST)];
  return sideBySide([
    withMask(reference, maskFromCocoRle(mark), COLORS.mark),
    withMask(target, maskFromCocoRle(prediction), COLORS.prediction),
    withMask(target, maskFromCocoRle(truth), COLORS.truth),
  ]);
}
