/** One concept of a frame as the shapes of a detector's answer, in the form that the label takes. */
import { DEFAULT_MIN_INSTANCE_SHARE } from '../../../core/engine/defaults.ts';
import type { InstancePrediction, MaskPrediction } from '../../../core/engine/types.ts';
import { runSteps } from '../../../core/mask/cooperative.ts';
import { ellipseSteps } from '../../../core/mask/ellipse.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { cvatRleFromMask } from '../../../core/mask/cvat-rle.ts';
import { formDigest, type AnsweredShape } from '../annotate/answer-log.ts';
import type { ShapeForm } from '../annotate/new-shapes.ts';
import { groupNumber, largeEnough, outlinesOfObject, type Kept } from '../annotate/parts.ts';
import { ellipsePoints } from '../shape-annotation.ts';
import { flatBitmap } from './bitmap-json.ts';
import { cropMask, largestOutline } from './crop.ts';
import { listJson } from './list-json.ts';

export interface DetectedOptions {
  form: ShapeForm;
  /** Hex sha256 of the image. */
  image: string;
  /** One shape, or group of outlines, for each object. */
  instances: boolean;
  /** Smallest part that gets a shape of its own, as a share of the largest, 0 to 1. */
  leastPart: number;
  /** Pixels an outline may deviate. */
  tolerance: number;
  signal: AbortSignal;
}

export interface DetectedShape {
  label: string;
  type: ShapeForm;
  /** 0..1 */
  score: number;
  /** Number that the outlines of one object share. */
  group?: number;
  /** Pixels of the image: x, y, x, y, ...; of a mask its largest outline. None where a mask has no outline of three corners. */
  points?: readonly number[];
  /** Values of attributes of its label. @default CVAT's */
  attributes?: readonly { name: string; value: string }[];
  /** Pixels of a mask, cut to the box. */
  bitmap?: Pick<InstancePrediction, 'mask' | 'boxXyxy'>;
}

type Part = Omit<InstancePrediction, 'area'>;

/** Outlines of one object share a group; where objects are not told apart, those of the whole mask. leftOut: parts too small for a shape. */
export async function detectedShapes(prediction: MaskPrediction, options: DetectedOptions): Promise<Kept<DetectedShape>> {
  const { form, instances, leastPart, tolerance, signal } = options;
  const { label, boxXyxy, quality, mask } = prediction;
  if (boxXyxy === undefined) return { kept: [], leftOut: 0 };
  const masked = async (part: Part): Promise<DetectedShape> => {
    const outline = (await largestOutline(part.mask, part.boxXyxy, tolerance, signal)).flat();
    // A polygon of fewer corners makes CVAT refuse the whole frame.
    return { label, type: 'mask', score: part.score, bitmap: part, ...(outline.length >= 6 && { points: outline }) };
  };
  if (form === 'mask' && !instances)
    return { kept: [await masked({ boxXyxy, mask: cropMask(mask, boxXyxy), score: quality.score })], leftOut: 0 };
  const parts = largeEnough(prediction.instances ?? [], leastPart);
  if (form === 'polygon') return outlined(parts, prediction, options);
  const kept: DetectedShape[] = [];
  for (const part of parts.kept) {
    if (form === 'mask') kept.push(await masked(part));
    else {
      const points = form === 'ellipse' ? await levelEllipse(part, mask, signal) : part.boxXyxy;
      kept.push({ label, type: form, score: part.score, points });
    }
  }
  return { kept, leftOut: parts.leftOut };
}

async function outlined(
  parts: Kept<InstancePrediction>,
  { label, mask }: MaskPrediction,
  { image, instances, leastPart, tolerance, signal }: DetectedOptions,
): Promise<Kept<DetectedShape>> {
  const leastPixels = DEFAULT_MIN_INSTANCE_SHARE * mask.data.length;
  let { leftOut } = parts;
  const objects: DetectedShape[][] = [];
  for (const { mask: cut, boxXyxy, score, area } of parts.kept) {
    const [left, top] = boxXyxy;
    const outlines = await outlinesOfObject(cut, { tolerance, least: Math.max(leastPixels, leastPart * area), signal });
    leftOut += outlines.leftOut;
    const drawn = outlines.kept.filter((ring) => ring.length >= 3);
    objects.push(drawn.map((ring) => ({ label, type: 'polygon', score, points: ring.flatMap(([x, y]) => [x + left, y + top]) })));
  }
  const families = instances ? objects : [objects.flat()];
  const kept = families.flatMap((family, i) =>
    family.length < 2 ? family : family.map((one) => ({ ...one, group: groupNumber(image, label, i) })),
  );
  return { kept, leftOut };
}

/** An ellipse along the axes of the image: CVAT reads no rotation here. */
async function levelEllipse({ mask, boxXyxy }: Part, within: BinaryMask, signal: AbortSignal): Promise<readonly number[]> {
  const fit = await runSteps(ellipseSteps(mask, { at: boxXyxy, within, turned: false }), signal);
  return fit ? ellipsePoints(fit) : boxXyxy;
}

/** A shape as CVAT reads it from a function. @throws IMAGE_TOO_LARGE */
export async function shapeJson(
  { label, type, score, group, points, bitmap, attributes = [] }: DetectedShape,
  signal: AbortSignal,
): Promise<Buffer> {
  const about = { confidence: score.toFixed(4), label, type, attributes, ...(group !== undefined && { group_id: group }) };
  const pieces: Buffer[] = [Buffer.from(JSON.stringify(about).slice(0, -1))];
  if (points !== undefined) pieces.push(Buffer.from(',"points":'), await listJson(points, signal));
  if (bitmap) {
    const [x0, y0, x1, y1] = bitmap.boxXyxy;
    pieces.push(Buffer.from(',"mask":'), await flatBitmap(bitmap.mask, [x0, y0, x1 - 1, y1 - 1], signal));
  }
  return Buffer.concat([...pieces, Buffer.from('}')]);
}

/** A shape as it is recorded, to be found again in CVAT. */
export async function answeredShape(
  { label, type, group = 0, points, bitmap, attributes }: DetectedShape,
  signal: AbortSignal,
): Promise<AnsweredShape> {
  const forms: string[] = [];
  if (bitmap) {
    const [left, top, right, bottom] = bitmap.boxXyxy;
    const runs = await cvatRleFromMask(bitmap.mask, signal, [0, 0, right - left, bottom - top]);
    forms.push(formDigest({ type, points: [...runs.slice(0, -4), left, top, right - 1, bottom - 1] }));
  }
  // Where its user wants outlines, CVAT stores a mask as the one that came with it.
  if (points !== undefined) forms.push(formDigest({ type: bitmap ? 'polygon' : type, points }));
  return { label, forms, group, ...(attributes && { attributes }) };
}
