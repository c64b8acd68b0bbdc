/** Images of the best, median and worst pairs of an evaluation's first entry. */
import type { ImageReading } from '../../core/image/values/reading.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { cocoRleFromMaskSync, maskFromCocoRle } from '../../core/mask/rle.ts';
import type { EvaluateOptions } from '../../training/evaluation/evaluate.ts';
import type { EpisodeRow } from '../../training/evaluation/result.ts';
import type { DatasetClass, Episode } from '../../training/types.ts';
import { COLORS, readRgb, sideBySide, withMask } from '../common/draw.ts';

export interface GalleryImage {
  caption: string;
  png: Uint8Array;
}

export interface Gallery {
  /** Keeps a pair; masks are stored as run lengths. */
  keep: NonNullable<EvaluateOptions['onPair']>;
  /** Reference with its annotation, target with the prediction, target with the truth, side by side. */
  images(): Promise<GalleryImage[]>;
}

type Runs = ReturnType<typeof cocoRleFromMaskSync>;

interface Kept {
  episode: Episode;
  row: EpisodeRow;
  annotation: Runs;
  prediction: Runs;
  truth: Runs;
}

const OF_EACH = 3;
const LONGEST = 320;

export function createGallery(classes: readonly DatasetClass[], reading: ImageReading = {}): Gallery {
  const kept: Kept[] = [];
  return {
    keep({ episode, annotation, truth }, predictions) {
      const [first] = predictions;
      if (first === undefined) return;
      const runs = (mask: BinaryMask): Runs => cocoRleFromMaskSync(mask);
      kept.push({ episode, row: first.row, annotation: runs(annotation.mask), prediction: runs(first.mask), truth: runs(truth) });
    },
    async images() {
      const found: GalleryImage[] = [];
      for (const { what, one } of chosen(kept)) {
        const { episode, row } = one;
        const name = classes.find(({ id }) => id === episode.classId)?.name ?? `class ${episode.classId}`;
        const caption = `${what}: ${name}, IoU ${row.iou.toFixed(3)} (fold ${row.fold}, ${episode.reference.key} to ${episode.target.key})`;
        found.push({ caption, png: await strip(one, reading) });
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

async function strip({ episode, annotation, prediction, truth }: Kept, reading: ImageReading): Promise<Uint8Array> {
  const [reference, target] = [
    await readRgb(episode.reference.file, LONGEST, reading),
    await readRgb(episode.target.file, LONGEST, reading),
  ];
  return sideBySide([
    withMask(reference, maskFromCocoRle(annotation), COLORS.annotation),
    withMask(target, maskFromCocoRle(prediction), COLORS.prediction),
    withMask(target, maskFromCocoRle(truth), COLORS.truth),
  ]);
}
