/** A mark becomes an object: SAM's mask for the points, or for the box around the mark. */
import type { ImageFeatures } from './encoded-images.ts';
import type { FeatureStore } from './features.ts';
import { maskFromAnnotation, type DrawnAnnotation } from './mask/annotation.ts';
import type { BinaryMask } from './mask/label-reduction.ts';
import { boundingBox } from './mask/raster.ts';
import { boxPrompts, decodeSamPrompts, type SamPrompt } from './methods/sam-points.ts';
import type { Networks } from './runtime/networks.ts';

/** What was marked always stays part of the result. */
export async function growMark(
  networks: Networks,
  features: Pick<FeatureStore, 'geometry'>,
  image: ImageFeatures,
  annotation: DrawnAnnotation,
): Promise<BinaryMask> {
  const marked = maskFromAnnotation(annotation, image.width, image.height);
  const [mask] = await decodeSamPrompts(networks, features, image, promptsOf(annotation, marked));
  if (mask === undefined) return marked;
  const side = Math.sqrt(mask.logits.length);
  const square = features.geometry.toSquare({ data: mask.logits, width: side, height: side });
  const field = features.geometry.toImage(square, image.width, image.height);
  // A filled box marks far more than the object, so SAM's mask replaces it as long as there is one.
  const keepMark = annotation.kind !== 'box' || field.data.every((value) => value <= 0);
  return { ...marked, data: marked.data.map((value, i) => ((keepMark && value !== 0) || (field.data[i] as number) > 0 ? 1 : 0)) };
}

function promptsOf(annotation: DrawnAnnotation, marked: BinaryMask): SamPrompt[] {
  if (annotation.kind !== 'points') return boxPrompts(boundingBox(marked) as [number, number, number, number]);
  return [
    ...annotation.points.map(([x, y]): SamPrompt => ({ x, y, kind: 'positive' })),
    ...(annotation.negative ?? []).map(([x, y]): SamPrompt => ({ x, y, kind: 'negative' })),
  ];
}
