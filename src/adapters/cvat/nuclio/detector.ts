/** A detector at work: every concept of its project in one frame, as CVAT takes masks. */
import { ProsamError } from '../../../core/common/errors.ts';
import type { Service } from '../../../service/types.ts';
import type { MaskPrediction } from '../../../core/engine/types.ts';
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
  /** Least probability of a concept where CVAT sends none. @default the engine's */
  threshold?: number | undefined;
}

/** Concepts asked for at a time: each brings a mask as large as the image, and pixels times labels are bounded. */
const LABELS_AT_ONCE = 10;

/** The answer's JSON. @throws REFERENCE_MISSING, IMAGE_*, SERVICE_BUSY, ... */
export async function detect(
  { service, instances, tolerance, threshold: usual }: DetectorParts,
  { project = '', labels }: CvatFunction,
  { threshold }: DetectorBody,
  { bytes, known }: AskedImage,
  { client, signal }: { client: string; signal: AbortSignal },
): Promise<Buffer> {
  const least = threshold ?? usual;
  const options = { instances, ...(least !== undefined && { threshold: least }) };
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
    for (const mask of found?.masks ?? []) items.push(...(await itemsOf(mask, { instances, tolerance, signal })));
  }
  if (missing * LABELS_AT_ONCE >= labels.length)
    throw new ProsamError(
      'REFERENCE_MISSING',
      `${project} has no labeled reference any more. Label one object in one frame, then try again.`,
    );
  return Buffer.concat([Buffer.from('['), ...items.flatMap((item, i) => (i === 0 ? [item] : [Buffer.from(','), item])), Buffer.from(']')]);
}

interface ItemOptions {
  instances: boolean;
  tolerance: number;
  signal: AbortSignal;
}

async function itemsOf(prediction: MaskPrediction, { instances, tolerance, signal }: ItemOptions): Promise<Buffer[]> {
  const { label, boxXyxy } = prediction;
  if (boxXyxy === undefined) return [];
  const parts = instances
    ? (prediction.instances ?? [])
    : [{ boxXyxy, mask: cropMask(prediction.mask, boxXyxy), score: prediction.quality.score }];
  const items: Buffer[] = [];
  for (const { boxXyxy: box, mask, score } of parts) {
    const outline = await largestOutline(mask, box, tolerance, signal);
    const [x0, y0, x1, y1] = box;
    const fields = JSON.stringify({ confidence: score.toFixed(4), label, type: 'mask', attributes: [] });
    const pieces: Buffer[] = [Buffer.from(fields.slice(0, -1))];
    // A polygon of fewer corners makes CVAT refuse the whole frame.
    if (outline.length >= 3) pieces.push(Buffer.from(',"points":'), await listJson(outline.flat(), signal));
    pieces.push(Buffer.from(',"mask":'), await flatBitmap(mask, [x0, y0, x1 - 1, y1 - 1], signal), Buffer.from('}'));
    items.push(Buffer.concat(pieces));
  }
  return items;
}
