/**
 * Training-free comparison of features: how much closer every target cell is to the marked cells than to all other cells of the
 * references, cell by cell or on average, whichever the model's plan says.
 */
import type { Comparison, Matching } from '../../checkpoint/methods-section.ts';
import type { ImageMaps } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import { averageCosines } from './average-cosines.ts';
import { cellCosines, type Cosines } from './cell-cosines.ts';
import { comparedMap } from './compared-map.ts';
import type { MethodContext } from './method.ts';

/**
 * From a difference of cosines to a logit. Masks of 'nearest' do not depend on it; probabilities, and what SAM redraws, do. Differences of
 * the largest cosines are smaller than those of averages.
 */
const GAINS: Readonly<Record<Comparison, number>> = { cells: 40, averages: 20 };

/** -> cosines of every target cell, computed once a call */
export function cosinesTo(
  context: MethodContext,
  target: ImageMaps,
  references: readonly PreparedReference[],
  { parts, compare }: Matching,
): Promise<Cosines> {
  const key = JSON.stringify(['cosines', target.key, references.map((reference) => reference.key), compare, parts]);
  return context.once(key, () => {
    const seen = comparedMap(target, parts);
    const shown = references.map((reference) => ({ reference, ...comparedMap(reference.features, parts) }));
    return compare === 'cells' ? cellCosines(context, seen, shown) : Promise.resolve(averageCosines(seen, shown));
  });
}

/** -> per cell of the target a logit: cosine to the object minus cosine to the rest, -2..2, times the gain */
export async function featureContrast(
  context: MethodContext,
  target: ImageMaps,
  references: readonly PreparedReference[],
  matching: Matching,
): Promise<Float32Array> {
  const { object, rest } = await cosinesTo(context, target, references, matching);
  return object.map((value, i) => GAINS[matching.compare] * (value - (rest[i] as number)));
}
