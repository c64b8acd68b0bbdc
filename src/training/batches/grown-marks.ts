/** References marked as people mark them: boxes, points and scribbles drawn from the true mask and turned into objects as in a prediction. */
import type { ImageFeatures } from '../../core/engine/image-features.ts';
import { labelReductionOf, resolveMask, treatmentOf } from '../../core/engine/resolve-annotation.ts';
import { decodeAtImageSize } from '../../core/engine/methods/sam-prompts.ts';
import type { Geometry } from '../../core/image/geometry.ts';
import type { DrawnAnnotation } from '../../core/mask/annotation.ts';
import type { BinaryMask, LabelReduction } from '../../core/mask/label-reduction.ts';
import { boundingBox } from '../../core/mask/raster.ts';
import { pointsFromMask, scribbleFromMask } from '../../core/mask/simulate-annotations.ts';
import { uniformInt, type Random } from '../../core/common/random.ts';
import type { Networks } from '../../core/onnx/networks.ts';

/** Points a person sets on an object: one to this many. */
const MAX_POINTS = 6;
const MAX_STROKES = 3;
/** Largest share of a side by which a drawn box misses the object's edge. */
const BOX_SLACK = 0.05;

const KINDS = ['box', 'points', 'scribble'] as const;

export interface MarkedReference {
  mask: BinaryMask;
  reduction: LabelReduction;
}

export interface GrownMarksOptions {
  networks: Networks;
  geometry: Geometry;
  /** Reduction the prompt encoder is trained with. */
  trained: LabelReduction;
}

export interface GrownMarks {
  /** One of the three kinds, each equally likely. mask: the true one on the square, not empty */
  marked(features: ImageFeatures, mask: BinaryMask, random: Random): Promise<MarkedReference>;
  /** The object that SAM's part sees at a random point of the image, on the square. */
  objectAnywhere(features: ImageFeatures, random: Random): Promise<BinaryMask>;
}

export function grownMarks({ networks, geometry, trained }: GrownMarksOptions): GrownMarks {
  const side = geometry.square;
  const resolved = (features: ImageFeatures, annotation: DrawnAnnotation, grown: boolean): Promise<BinaryMask> => {
    // Labels live on the square that SAM sees, padding included.
    const onSquare = { ...features, width: side, height: side };
    return resolveMask(annotation, onSquare, grown ? (prompts) => decodeAtImageSize(networks, geometry, onSquare, prompts) : undefined);
  };
  return {
    async marked(features, mask, random) {
      const kind = KINDS[uniformInt(random, 0, KINDS.length - 1)] as (typeof KINDS)[number];
      const treatment = treatmentOf(kind, 'predict');
      const found = await resolved(features, drawn(kind, mask, random), treatment.grown);
      return { mask: found, reduction: labelReductionOf(treatment, { trained }) };
    },
    objectAnywhere(features, random) {
      const point = [random() * features.width, random() * features.height] as const;
      const [x, y] = geometry.toSam(...point, features.width, features.height);
      const within = (value: number): number => Math.min(side - 0.5, Math.max(0.5, value + 0.5));
      return resolved(features, { kind: 'points', points: [[within(x), within(y)]], negative: [] }, true);
    },
  };
}

function drawn(kind: (typeof KINDS)[number], mask: BinaryMask, random: Random): DrawnAnnotation {
  if (kind === 'points') return { kind, points: pointsFromMask(mask, uniformInt(random, 1, MAX_POINTS), random), negative: [] };
  if (kind === 'scribble') {
    return {
      kind,
      mask: scribbleFromMask(mask, uniformInt(random, 1, MAX_STROKES), random() < 0.5 ? 'rand_curve_small' : 'rand_curve', random),
    };
  }
  const [x0, y0, x1, y1] = boundingBox(mask) as [number, number, number, number];
  const moved = (edge: number, size: number, most: number): number =>
    Math.min(most, Math.max(0, edge + BOX_SLACK * size * (2 * random() - 1)));
  const [width, height] = [x1 - x0, y1 - y0];
  const box = [moved(x0, width, mask.width), moved(y0, height, mask.height), moved(x1, width, mask.width), moved(y1, height, mask.height)];
  return { kind, box: box as [number, number, number, number] };
}
