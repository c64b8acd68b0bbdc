/** References whose images are most like a target: what the prompt encoder reads where there are more than it needs. */
import { visibleIndices } from '../../image/geometry.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';
import { contentOf, cosine, unitFeatures } from '../trust/content.ts';
import type { MethodContext } from './method.ts';

/** By the cosine of the images' mean features; in the order given. count: undefined for all */
export async function mostAlike(
  context: MethodContext,
  target: ImageFeatures,
  references: readonly PreparedReference[],
  count: number | undefined,
): Promise<readonly PreparedReference[]> {
  if (count === undefined || references.length <= count) return references;
  const own = await meanFeature(context, target);
  const likeness = new Map<PreparedReference, number>();
  for (const reference of references) {
    likeness.set(reference, cosine(own, await meanFeature(context, reference.features)));
    context.checkpoint();
  }
  const kept = new Set(
    [...likeness]
      .sort(([, one], [, other]) => other - one)
      .slice(0, count)
      .map(([reference]) => reference),
  );
  return references.filter((reference) => kept.has(reference));
}

async function meanFeature(context: MethodContext, image: PreparedReference['features']): Promise<Float32Array> {
  const { parts } = context.networks.matching.nearest;
  const unit = await unitFeatures(context, image, parts);
  const weights = new Float32Array(unit.cells);
  for (const cell of visibleIndices(context.geometry, image)) weights[cell] = 1;
  return contentOf(unit, weights);
}
