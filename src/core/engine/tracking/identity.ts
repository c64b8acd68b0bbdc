/** Likeness of what is at a place to the object that was marked, in the network's features. */
import { gridOf } from '../../image/geometry.ts';
import { reduceLabels, type BinaryMask } from '../../mask/label-reduction.ts';
import { DEFAULT_LABEL_REDUCTION } from '../defaults.ts';
import type { ImageMaps } from '../image-features.ts';
import type { MethodContext } from '../methods/method.ts';
import { contentOf, cosine, unitFeatures } from '../trust/content.ts';

/** Cosine of the mean features, -1..1. masks: at the images' own sizes, not empty */
export async function likenessOf(
  context: MethodContext,
  { maps: first, mask: marked }: { maps: ImageMaps; mask: BinaryMask },
  { maps: target, mask }: { maps: ImageMaps; mask: BinaryMask },
): Promise<number> {
  const { parts } = context.networks.matching.nearest;
  const cellsOf = (maps: ImageMaps, one: BinaryMask) => reduceLabels(one, gridOf(context.geometry, maps), DEFAULT_LABEL_REDUCTION);
  const [known, seen] = [await unitFeatures(context, first, parts), await unitFeatures(context, target, parts)];
  return cosine(contentOf(seen, cellsOf(target, mask)), contentOf(known, cellsOf(first, marked)));
}
