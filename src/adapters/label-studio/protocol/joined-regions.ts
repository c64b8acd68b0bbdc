/** Regions of controls without labels, such as `Brush`, with what `Labels` call them: two parts of one id, read as one region. */
import { labeledKind } from './label-config.ts';
import type { MlRegion } from './types.ts';

/** Parts that find each other become a region of the labeled kind, one for each `Labels`; the others stay as they are. */
export function joinedRegions(regions: readonly MlRegion[]): MlRegion[] {
  const named = new Map<string, MlRegion[]>();
  const drawn = new Set<string>();
  for (const region of regions) {
    if (isName(region)) named.set(keyOf(region), [...(named.get(keyOf(region)) ?? []), region]);
    else if (region.id !== '' && labeledKind(region.type) !== undefined) drawn.add(keyOf(region));
  }
  return regions.flatMap((region) => {
    if (isName(region)) return drawn.has(keyOf(region)) ? [] : [region];
    const kind = labeledKind(region.type);
    const names = kind === undefined ? undefined : named.get(keyOf(region));
    if (kind === undefined || names === undefined) return [region];
    return names.map(({ value: { labels }, is_positive }) => ({
      ...{ ...region, type: kind, value: { ...region.value, [kind]: labels } },
      is_positive: region.is_positive ?? is_positive,
    }));
  });
}

function isName({ id, type, value: { labels = [] } }: MlRegion): boolean {
  return type === 'labels' && id !== '' && labels.length > 0;
}

function keyOf({ id, to_name }: MlRegion): string {
  return JSON.stringify([id, to_name]);
}
