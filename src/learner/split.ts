/** Gate split: decided once per image, by its hash and by the gaps of its labels. */
import { createHash } from 'node:crypto';

export interface SplitImage {
  sha256: string;
  /** Labels of its active masks. */
  labels: readonly string[];
  /** Earlier assignment; it stays. */
  split?: Split;
}

export type Split = 'train' | 'gate';

/** A pair takes two images to train on, before a third may test. */
const MIN_TO_TRAIN = 2;

/**
 * Places for the images that have none. Labels come to two training images first, then to one image of the gate; beyond that
 * the gate gets about `gateShare` of the images. The same images give the same places in any order.
 */
export function assignSplits(project: string, images: readonly SplitImage[], gateShare: number): { sha256: string; split: Split }[] {
  const counts = { train: new Map<string, number>(), gate: new Map<string, number>() };
  const total = { train: 0, gate: 0 };
  const count = (side: Split, label: string): number => counts[side].get(label) ?? 0;
  const put = ({ labels }: SplitImage, side: Split, by: 1 | -1): void => {
    total[side] += by;
    for (const label of labels) counts[side].set(label, count(side, label) + by);
  };
  for (const image of images) if (image.split !== undefined) put(image, image.split, 1);

  const unplaced = byHash(
    project,
    images.filter(({ split }) => split === undefined),
  );
  const placed = new Map<string, Split>();
  for (const image of unplaced) {
    const trainable = image.labels.every((label) => count('train', label) >= MIN_TO_TRAIN);
    const untested = image.labels.some((label) => count('gate', label) === 0);
    const room = total.gate + 1 <= gateShare * (total.gate + total.train + 1);
    const split = trainable && (untested || room) ? 'gate' : 'train';
    put(image, split, 1);
    placed.set(image.sha256, split);
  }
  // Labels that only ever came along with rarer ones: an image moves where that takes a pair from no other label.
  const labels = [...new Set(unplaced.flatMap((image) => image.labels))].sort();
  for (const label of labels) {
    if (count('gate', label) > 0 || count('train', label) <= MIN_TO_TRAIN) continue;
    const movable = unplaced.find(
      (image) =>
        placed.get(image.sha256) === 'train' &&
        image.labels.includes(label) &&
        image.labels.every((other) => count('train', other) !== MIN_TO_TRAIN),
    );
    if (movable === undefined) continue;
    put(movable, 'train', -1);
    put(movable, 'gate', 1);
    placed.set(movable.sha256, 'gate');
  }
  return unplaced.map(({ sha256 }) => ({ sha256, split: placed.get(sha256) as Split }));
}

function byHash(project: string, images: readonly SplitImage[]): SplitImage[] {
  const rank = ({ sha256 }: SplitImage): string => createHash('sha256').update(`${project}\n${sha256}`).digest('hex');
  return images
    .map((image) => ({ image, rank: rank(image) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
    .map(({ image }) => image);
}
