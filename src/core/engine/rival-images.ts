/** Images that likely do not show a label. */
import type { ImageMaps } from './image-features.ts';
import type { ShownReference } from './one-per-image.ts';
import { MAX_RIVAL_IMAGES } from './trust/rivals.ts';

/**
 * Images of other labels' references without this label, then `others`; never the target, nor an image where this label is marked.
 * At most MAX_RIVAL_IMAGES, from all labels in turn.
 */
export function rivalImages(
  label: string,
  groups: ReadonlyMap<string, readonly ShownReference[]>,
  others: readonly ImageMaps[],
  target: Pick<ImageMaps, 'key'>,
): ImageMaps[] {
  const taken = new Set([target.key, ...(groups.get(label) ?? []).map(({ features }) => features.key)]);
  const foreign = [...groups]
    .filter(([name]) => name !== label)
    .map(([, shown]) => shown.flatMap(({ features, shows }) => (shows.includes(label) ? [] : [features])));
  const inTurn = Array.from({ length: Math.max(0, ...foreign.map(({ length }) => length)) }, (_, i) =>
    foreign.flatMap((images) => images[i] ?? []),
  ).flat();
  const found: ImageMaps[] = [];
  for (const image of [...inTurn, ...others]) {
    if (found.length === MAX_RIVAL_IMAGES) break;
    if (taken.has(image.key)) continue;
    taken.add(image.key);
    found.push(image);
  }
  return found;
}
