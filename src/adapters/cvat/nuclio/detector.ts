/** A detector at work: every concept of its project in one frame, as CVAT takes masks. */
import type { CleanOptions } from '../../../core/mask/clean-mask.ts';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import type { Service } from '../../../service/types.ts';
import type { Log } from '../../../service/ports/log.ts';
import type { AnsweredShape, AnswerLog } from '../annotate/answer-log.ts';
import { answeredShape, detectedShapes, shapeJson } from './detected-shapes.ts';
import { frameName, type AskedImage } from './request-image.ts';
import type { CvatFunction } from './functions.ts';
import type { DetectorBody } from './invocation-schemas.ts';

export interface DetectorParts {
  service: Pick<Service, 'predictions'>;
  /** One shape for each connected part of a mask. */
  instances: boolean;
  /** Smallest part that gets a shape of its own, as a share of the largest, 0 to 1. */
  leastPart: number;
  /** Pixels an outline may deviate. */
  tolerance: number;
  /** Specks and holes of masks. */
  cleaning?: CleanOptions | undefined;
  /** Least probability of a concept where CVAT sends none. @default the engine's */
  threshold?: number | undefined;
  /** Record of what is answered, so that it can be taken back. @default none */
  answers?: Pick<AnswerLog, 'add'> | undefined;
  log: Log;
}

const NO_FORMS: NonNullable<CvatFunction['forms']> = new Map();
/** Concepts asked for at a time: each brings a mask as large as the image, and pixels times labels are bounded. */
const LABELS_AT_ONCE = 10;

/** The answer's JSON. @throws REFERENCE_MISSING, IMAGE_*, SERVICE_BUSY, ... */
export async function detect(
  { service, instances, leastPart, tolerance, threshold: usual, cleaning, answers, log }: DetectorParts,
  { title, project = '', labels, forms = NO_FORMS, attributes: valued }: CvatFunction,
  { threshold }: DetectorBody,
  { bytes, sha256, known }: AskedImage,
  { client, signal }: { client: string; signal: AbortSignal },
): Promise<Buffer> {
  const least = threshold ?? usual;
  // Outlines and boxes are of single objects; of a mask they are the parts.
  const apart = instances || labels.some((label) => forms.has(label));
  const options = { ...cleaning, instances: apart, ...(least !== undefined && { threshold: least }) };
  const items: Buffer[] = [];
  const answered: AnsweredShape[] = [];
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
      const form = forms.get(mask.label) ?? 'mask';
      const { kept, leftOut } = await detectedShapes(mask, { form, image: sha256, instances, leastPart, tolerance, signal });
      const attributes = valued?.get(mask.label)?.map(({ name, value }) => ({ name, value }));
      for (const one of kept) {
        const shape = { ...one, ...(attributes && { attributes }) };
        items.push(await shapeJson(shape, signal));
        if (answers) answered.push(await answeredShape(shape, signal));
      }
      if (leftOut > 0) log.info({ project, label: mask.label, leftOut }, 'cvat: parts too small for a shape of their own are left out');
    }
  }
  if (missing * LABELS_AT_ONCE >= labels.length)
    throw new ProsamError(
      'REFERENCE_MISSING',
      `${title.replace(/^ProSAM: /, '')} has no labeled reference any more. Label one object in one frame, then try again.`,
    );
  // An answer that nobody can take back is still better than none.
  await answers
    ?.add(sha256, answered, known)
    .catch((error: unknown) => log.warn({ project }, `cvat: an answer cannot be taken back, for it is not recorded: ${messageOf(error)}`));
  return Buffer.concat([Buffer.from('['), ...items.flatMap((item, i) => (i === 0 ? [item] : [Buffer.from(','), item])), Buffer.from(']')]);
}
