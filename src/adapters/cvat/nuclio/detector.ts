/** A detector at work: every concept of its project in one frame, as CVAT takes masks. */
import { runSteps } from '../../../core/mask/cooperative.ts';
import { ellipseSteps } from '../../../core/mask/ellipse.ts';
import type { CleanOptions } from '../../../core/mask/clean-mask.ts';
import { ProsamError } from '../../../core/common/errors.ts';
import type { Service } from '../../../service/types.ts';
import type { MaskPrediction } from '../../../core/engine/types.ts';
import { withoutCrumbs, type ShapeForm } from '../annotate/new-shapes.ts';
import { ellipsePoints } from '../shape-annotation.ts';
import { frameName, type AskedImage } from './request-image.ts';
import { flatBitmap } from './bitmap-json.ts';
import { cropMask, largestOutline } from './crop.ts';
import type { CvatFunction } from './functions.ts';
import type { DetectorBody } from './invocation-schemas.ts';
import { listJson } from './list-json.ts';

export interface DetectorParts {
  service: Pick<Service, 'predictions'>;
  /** One shape for each connected part of a mask. */
  instances: boolean;
  /** Pixels an outline may deviate. */
  tolerance: number;
  /** Specks and holes of masks. */
  cleaning?: CleanOptions | undefined;
  /** Least probability of a concept where CVAT sends none. @default the engine's */
  threshold?: number | undefined;
}

const NO_FORMS: NonNullable<CvatFunction['forms']> = new Map();
/** Concepts asked for at a time: each brings a mask as large as the image, and pixels times labels are bounded. */
const LABELS_AT_ONCE = 10;

/** The answer's JSON. @throws REFERENCE_MISSING, IMAGE_*, SERVICE_BUSY, ... */
export async function detect(
  { service, instances, tolerance, threshold: usual, cleaning }: DetectorParts,
  { title, project = '', labels, forms = NO_FORMS }: CvatFunction,
  { threshold }: DetectorBody,
  { bytes, known }: AskedImage,
  { client, signal }: { client: string; signal: AbortSignal },
): Promise<Buffer> {
  const least = threshold ?? usual;
  // Outlines and boxes are of single objects; of a mask they are the parts.
  const apart = instances || labels.some((label) => forms.has(label));
  const options = { ...cleaning, instances: apart, ...(least !== undefined && { threshold: least }) };
  const items: Buffer[] = [];
  let missing = 0;
  for (let from = 0; from < labels.length; from += LABELS_AT_ONCE) {
    const some = labels.slice(from, from + LABELS_AT_ONCE);
    const request = {
      ...{ project, image: bytes, labels: some, client, options },
      // What nobody can tell the origin of is answered and forgotten.
      ...(known ? { externalId: frameName(known) } : { remember: false }),
    };
    // A concept whose references were deleted since CVAT's list was made is simply not found; without any left it is an error.
    const found = await service.predictions.predict(request, { signal }).catch((error: unknown) => {
      if (labels.length <= LABELS_AT_ONCE || (error as { code?: unknown }).code !== 'REFERENCE_MISSING') throw error;
      return undefined;
    });
    if (found === undefined) missing++;
    for (const mask of found?.masks ?? []) {
      const group = labels.indexOf(mask.label) + 1;
      items.push(...(await itemsOf(mask, { form: forms.get(mask.label) ?? 'mask', group, instances, tolerance, signal })));
    }
  }
  if (missing * LABELS_AT_ONCE >= labels.length)
    throw new ProsamError(
      'REFERENCE_MISSING',
      `${title.replace(/^ProSAM: /, '')} has no labeled reference any more. Label one object in one frame, then try again.`,
    );
  return Buffer.concat([Buffer.from('['), ...items.flatMap((item, i) => (i === 0 ? [item] : [Buffer.from(','), item])), Buffer.from(']')]);
}

interface ItemOptions {
  form: ShapeForm;
  /** Number that outlines of one mask share. */
  group: number;
  instances: boolean;
  tolerance: number;
  signal: AbortSignal;
}

async function itemsOf(prediction: MaskPrediction, options: ItemOptions): Promise<Buffer[]> {
  const { form, group, instances, tolerance, signal } = options;
  const { label, boxXyxy } = prediction;
  if (boxXyxy === undefined) return [];
  const parts =
    instances || form !== 'mask'
      ? withoutCrumbs(prediction.instances ?? [])
      : [{ boxXyxy, mask: cropMask(prediction.mask, boxXyxy), score: prediction.quality.score }];
  const isGrouped = form === 'polygon' && !instances && parts.length > 1;
  const items: Buffer[] = [];
  for (const { boxXyxy: box, mask, score } of parts) {
    const about = { confidence: score.toFixed(4), label, type: form, attributes: [], ...(isGrouped && { group_id: group }) };
    const pieces: Buffer[] = [Buffer.from(JSON.stringify(about).slice(0, -1))];
    if (form === 'mask' || form === 'polygon') {
      const outline = await largestOutline(mask, box, tolerance, signal);
      // A polygon of fewer corners makes CVAT refuse the whole frame.
      if (outline.length >= 3) pieces.push(Buffer.from(',"points":'), await listJson(outline.flat(), signal));
      else if (form === 'polygon') continue;
      if (form === 'mask') {
        const [x0, y0, x1, y1] = box;
        pieces.push(Buffer.from(',"mask":'), await flatBitmap(mask, [x0, y0, x1 - 1, y1 - 1], signal));
      }
    } else {
      // CVAT reads no rotation here.
      const fit = form === 'ellipse' ? ellipseSteps(mask, { at: box, within: prediction.mask, turned: false }) : undefined;
      const ellipse = fit && (await runSteps(fit, signal));
      pieces.push(Buffer.from(`,"points":${JSON.stringify(ellipse ? ellipsePoints(ellipse) : box)}`));
    }
    items.push(Buffer.concat([...pieces, Buffer.from('}')]));
  }
  return items;
}
