/** A mark becomes an object: SAM's mask for the points, for points on the strokes, or for the box around any other mark. */
import type { ImageFeatures } from './image-features.ts';
import type { FeatureStore } from './references.ts';
import { maskFromAnnotation, type DrawnAnnotation } from '../mask/annotation.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import { boundingBox } from '../mask/raster.ts';
import { boxPrompts, decodeSamPrompts, type SamPrompt } from './methods/sam-prompts.ts';
import type { Networks } from '../onnx/networks.ts';

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

/** Points that stand for a scribble: more of them say little more, and cost a prompt each. */
const SCRIBBLE_POINTS = 8;

function promptsOf(annotation: DrawnAnnotation, marked: BinaryMask): SamPrompt[] {
  switch (annotation.kind) {
    case 'points':
      return [
        ...annotation.points.map(([x, y]): SamPrompt => ({ x, y, kind: 'positive' })),
        ...(annotation.negative ?? []).map(([x, y]): SamPrompt => ({ x, y, kind: 'negative' })),
      ];
    // A stroke runs over the object and not around it: its box would ask for something as thin as itself.
    case 'scribble': {
      const { width, height } = marked;
      const vertices = annotation.strokes.flatMap(({ path }) => path);
      return spread(vertices, SCRIBBLE_POINTS).map(([x, y]): SamPrompt => ({
        x: Math.min(x, width - 0.5),
        y: Math.min(y, height - 0.5),
        kind: 'positive',
      }));
    }
    case 'scribble-mask':
      return spread(pixelsOf(marked), SCRIBBLE_POINTS).map((at): SamPrompt => ({
        x: (at % marked.width) + 0.5,
        y: Math.floor(at / marked.width) + 0.5,
        kind: 'positive',
      }));
    default:
      return boxPrompts(boundingBox(marked) as [number, number, number, number]);
  }
}

/** Places of set pixels, in the order of rows. */
function pixelsOf({ data }: BinaryMask): number[] {
  const set: number[] = [];
  for (let at = 0; at < data.length; at++) if (data[at] !== 0) set.push(at);
  return set;
}

/** At most so many of a list, evenly over its length. */
function spread<T>(all: readonly T[], most: number): T[] {
  const count = Math.min(most, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)] as T);
}
