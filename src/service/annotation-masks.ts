/** From what people marked to one mask a label, as it is stored. */
import { messageOf, ProsamError } from '../core/errors.ts';
import { decodeGrey } from '../core/image/decode.ts';
import { maskFromAnnotation, type Annotation, type DrawnAnnotation } from '../core/mask/annotation.ts';
import { inTurns } from '../core/mask/in-turns.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';
import { cocoRleInSteps, cocoRleSize, runsFromCocoRle } from '../core/mask/rle.ts';
import type { LabelledMask } from '../core/storage-ports.ts';

/** Turns points and scribbles into an object mask. */
export type Grow = (annotation: DrawnAnnotation) => Promise<BinaryMask>;

/** Longest text of a stored mask: an outline of some hundred thousand corners. */
const MOST_COUNTS = 2_000_000;

/**
 * One mask per label in the order the labels first appear, at the size of the image.
 * @throws ANNOTATION_*, MASK_*, IMAGE_* for a mask file
 */
export async function masksByLabel(
  marks: readonly { label: string; annotation: Annotation }[],
  { width, height }: { width: number; height: number },
  grow: Grow,
): Promise<LabelledMask[]> {
  const groups = new Map<string, Annotation[]>();
  for (const { label, annotation } of marks) groups.set(label, [...(groups.get(label) ?? []), annotation]);
  const masks: LabelledMask[] = [];
  for (const [label, annotations] of groups) masks.push({ label, ...(await storedMask(annotations, width, height, grow)) });
  return masks;
}

async function storedMask(
  annotations: readonly Annotation[],
  width: number,
  height: number,
  grow: Grow,
): Promise<Omit<LabelledMask, 'label'>> {
  const [only] = annotations;
  if (annotations.length === 1 && only?.kind === 'coco-rle' && typeof only.rle.counts === 'string') {
    const [rows, columns] = cocoRleSize(only.rle);
    // Only the runs are read where nothing has to be drawn; what does not fit goes on to the error that says so.
    if (rows === height && columns === width) {
      const area = runsFromCocoRle(only.rle).reduce((sum, run, i) => sum + (i % 2) * run, 0);
      if (area > 0) return bounded({ rle: { size: [rows, columns], counts: only.rle.counts }, area });
    }
  }
  const joined: BinaryMask = { data: new Uint8Array(width * height), width, height };
  for (const annotation of annotations) {
    const { data } = await drawn(annotation, width, height, grow);
    for (let i = 0; i < data.length; i++) if (data[i] !== 0) joined.data[i] = 1;
    await new Promise<void>((resume) => setImmediate(resume));
  }
  const area = joined.data.reduce((sum, value) => sum + value, 0);
  return bounded({ rle: await inTurns(cocoRleInSteps(joined)), area });
}

async function drawn(annotation: Annotation, width: number, height: number, grow: Grow): Promise<BinaryMask> {
  if (annotation.kind === 'points' || annotation.kind === 'scribble' || annotation.kind === 'scribble-mask') return grow(annotation);
  if (!('file' in annotation)) return maskFromAnnotation(annotation, width, height);
  // A path in a request would name a file of the machine the service runs on.
  if (!(annotation.file instanceof Uint8Array))
    throw new ProsamError('ANNOTATION_INVALID', 'wanted the bytes of a mask file, got a path. Send the bytes.');
  const grey = await decodeGrey(annotation.file, 'mask').catch((cause: unknown) => {
    throw new ProsamError('ANNOTATION_INVALID', `the mask is not an image that can be read: ${messageOf(cause)}`, { cause });
  });
  const mask: BinaryMask = { data: grey.data.map((value) => (value > 127 ? 1 : 0)), width: grey.width, height: grey.height };
  return annotation.kind === 'mask-file'
    ? maskFromAnnotation({ kind: 'mask', mask }, width, height)
    : grow({ kind: 'scribble-mask', mask });
}

function bounded(mask: Omit<LabelledMask, 'label'>): Omit<LabelledMask, 'label'> {
  const { length } = mask.rle.counts;
  if (length <= MOST_COUNTS) return mask;
  throw new ProsamError(
    'ANNOTATION_INVALID',
    `wanted a mask of at most ${MOST_COUNTS} characters of RLE, got ${length}. Smooth its outline.`,
  );
}
