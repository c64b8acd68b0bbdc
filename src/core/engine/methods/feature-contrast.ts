/**
 * Training-free comparison of features: how much closer every target cell is to the marked cells than to all other cells of the
 * references, cell by cell or on average, whichever the model's plan says.
 */
import type { Comparison, Matching } from '../../checkpoint/methods-section.ts';
import type { ImageMaps } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import { averageContrast } from './average-contrast.ts';
import { cellContrast } from './cell-contrast.ts';
import { comparedMap } from './compared-map.ts';
import type { MethodContext } from './method.ts';

/**
 * From a difference of cosines to a logit. Masks of 'nearest' do not depend on it; probabilities, and what SAM redraws, do. Differences of
 * the largest cosines are smaller than those of averages.
 */
const GAINS: Readonly<Record<Comparison, number>> = { cells: 40, averages: 20 };

/** -> per cell of the target a logit: cosine to the object minus cosine to the rest, -2..2, times the gain */
export async function featureContrast(
  context: MethodContext,
  target: ImageMaps,
  references: readonly PreparedReference[],
  { parts, compare }: Matching,
): Promise<Float32Array> {
  const seen = comparedMap(target, parts);
  const shown = references.map((reference) => ({ reference, ...comparedMap(reference.features, parts) }));
  const contrast = compare === 'cells' ? await cellContrast(context, seen, shown) : averageContrast(seen, shown);
  return contrast.map((value) => GAINS[compare] * value);
}
