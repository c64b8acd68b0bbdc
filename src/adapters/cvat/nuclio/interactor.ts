/** An interactor at work: clicks and a box become one object's mask; what was labelled before tells what somebody means by a click. */
import { ProsamError, messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import type { Service } from '../../../service/types.ts';
import type { RefinePrompts } from '../../../core/engine/types.ts';
import type { ResponseDialect } from './response-dialect.ts';
import type { AskedImage } from './request-image.ts';
import { interactorResponse } from './interactor-response.ts';
import { refuseText, type InteractorBody } from './invocation-schemas.ts';
import type { PixelBox } from '../../../core/mask/cvat-rle.ts';
import type { Prior, Priors } from './priors.ts';

export interface InteractorParts {
  service: Pick<Service, 'predictions'>;
  priors: Priors;
  tolerance: number;
  log: Log;
}

export interface InteractorCall {
  client: string;
  /** Name under which the engine's work is counted. */
  project: string;
  /** The one project whose references may help. @default the image's */
  only?: string;
  /** Dialect of the calling CVAT. */
  dialect: ResponseDialect;
  signal: AbortSignal;
}

/** The answer's JSON. @throws REQUEST_INVALID without a click or box, ANNOTATION_OUTSIDE, IMAGE_*, SERVICE_BUSY, ... */
export async function interact(
  { service, priors, tolerance, log }: InteractorParts,
  body: InteractorBody,
  image: AskedImage,
  { client, project, only, dialect, signal }: InteractorCall,
): Promise<Buffer> {
  const { pos_points: positive, neg_points: negative } = body;
  refuseText(body.text_prompts);
  const box = boxOf(body.obj_bbox);
  if (positive.length === 0 && box === undefined) {
    throw new ProsamError('REQUEST_INVALID', 'At least one positive point or a box is needed. Click the object, or draw a box around it.');
  }
  const prompts: RefinePrompts = {
    points: positive,
    negative,
    ...(box && { box }),
  };
  const known = await priors.of(image, { client, signal, ...(only !== undefined && { only }) }).catch((error: unknown) => {
    signal.throwIfAborted();
    log.warn({}, `cvat: a click is answered without references: ${messageOf(error)}`);
    return [];
  });
  const where = { project, image: image.bytes, client };
  const prior = known.find((one) => agrees(one, positive, negative, box));
  const guided =
    prior && (await service.predictions.refine({ ...where, prompts: { ...prompts, maskInput: prior.lowResLogits } }, { signal }));
  // A mask that leaves out what was clicked was led astray.
  const taken = guided?.masks[0] && follows(guided.masks[0].mask, positive, negative) ? guided : undefined;
  const { width, height, masks } = taken ?? (await service.predictions.refine({ ...where, prompts }, { signal }));
  const [best] = masks;
  const object = best?.boxXyxy && { mask: best.mask, box: best.boxXyxy };
  return interactorResponse({ width, height, ...(object && { object }) }, { dialect, tolerance, signal });
}

type Click = readonly [x: number, y: number];

/** Two corners in any order; a box without extent is none. */
function boxOf(corners: InteractorBody['obj_bbox']): PixelBox | undefined {
  const [a, b] = corners ?? [];
  if (a === undefined || b === undefined) return undefined;
  const box: PixelBox = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  return box[0] < box[2] && box[1] < box[3] ? box : undefined;
}

/** Share of the union that two boxes have in common, from which on they mean the same object. */
const SAME_BOX = 0.5;

function agrees(prior: Prior, positive: readonly Click[], negative: readonly Click[], box: PixelBox | undefined): boolean {
  if (positive.length === 0 && (box === undefined || overlap(prior.box, box) < SAME_BOX)) return false;
  const [x0, y0] = prior.box;
  const has = ([x, y]: Click): boolean => isSet(prior.mask, x - x0, y - y0);
  return positive.every(has) && !negative.some(has);
}

function follows(mask: BinaryMask, positive: readonly Click[], negative: readonly Click[]): boolean {
  return positive.every(([x, y]) => isSet(mask, x, y)) && !negative.some(([x, y]) => isSet(mask, x, y));
}

function isSet({ data, width, height }: BinaryMask, x: number, y: number): boolean {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  return column >= 0 && row >= 0 && column < width && row < height && data[row * width + column] !== 0;
}

/** Intersection over union. */
function overlap(a: PixelBox, b: PixelBox): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ([x0, y0, x1, y1]: PixelBox): number => (x1 - x0) * (y1 - y0);
  return (width * height) / (area(a) + area(b) - width * height);
}
