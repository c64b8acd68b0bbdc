/** From what people marked to one mask a label, as it is stored. */
import { messageOf, ProsamError } from '../core/common/errors.ts';
import { decodeMask } from '../core/image/node/decode.ts';
import { drawAnnotation, type Annotation, type DrawnAnnotation } from '../core/mask/annotation.ts';
import { inTurns } from '../core/mask/cooperative.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';
import { createPixelBudget, type PixelBudget, type Size } from '../core/mask/pixel-budget.ts';
import { emptyMask, maskExtentInSteps } from '../core/mask/raster.ts';
import { cocoRleInSteps, cocoRleInTurns, cocoRleSize, unionOfRlesInSteps, type CocoRle } from '../core/mask/rle.ts';
import type { DeferredAnnotation } from './types.ts';
import type { LabeledMask } from './ports/storage.ts';

/** A mark of a label, at hand or read when its turn comes. */
export interface LabeledMark {
  label: string;
  annotation: Annotation | DeferredAnnotation;
}

/** Turns points and scribbles into an object mask. */
export type Grow = (annotation: DrawnAnnotation) => Promise<BinaryMask>;

/** Longest text of a stored mask: an outline of some hundred thousand corners. */
const MOST_COUNTS = 2_000_000;
/** Marks that SAM turns into objects become masks; all others stay as they are. @throws ANNOTATION_*, MASK_*, IMAGE_* for a mask file */
export async function grownMarks(marks: readonly LabeledMark[], grow: Grow, signal?: AbortSignal): Promise<LabeledMark[]> {
  const grown: LabeledMark[] = [];
  for (const { label, annotation } of marks) {
    const sparse = typeof annotation === 'function' ? undefined : await sparseOf(annotation);
    // As runs: the pixels of two hundred masks would be in memory together.
    grown.push({
      label,
      annotation: sparse === undefined ? annotation : { kind: 'coco-rle', rle: await cocoRleInTurns(await grow(sparse), signal) },
    });
  }
  return grown;
}

async function sparseOf(annotation: Annotation): Promise<DrawnAnnotation | undefined> {
  if (annotation.kind === 'points' || annotation.kind === 'scribble' || annotation.kind === 'scribble-mask') return annotation;
  return annotation.kind === 'scribble-file' ? { kind: 'scribble-mask', mask: await maskOfFile(annotation.file) } : undefined;
}

/** Refuses before anything is drawn what is known to be too much. @throws REQUEST_TOO_LARGE */
export function checkMarks(marks: readonly LabeledMark[], size: Size): void {
  const budget = createPixelBudget(size);
  budget.takeWhole(new Set(marks.map(({ label }) => label)).size);
  for (const { annotation } of marks) if (typeof annotation !== 'function') budget.take(annotation);
}

/**
 * One mask per label in the order the labels first appear, at the size of the image; drawn in turns with everything else on the thread.
 * @throws ANNOTATION_*, MASK_*, IMAGE_* for a mask file, the signal's reason
 */
export async function masksByLabel(marks: readonly LabeledMark[], size: Size, signal?: AbortSignal): Promise<LabeledMask[]> {
  const groups = new Map<string, LabeledMark['annotation'][]>();
  for (const { label, annotation } of marks) groups.set(label, [...(groups.get(label) ?? []), annotation]);
  const masks: LabeledMask[] = [];
  const budget = createPixelBudget(size);
  for (const [label, annotations] of groups) {
    budget.takeWhole();
    const mask = (await joinedRuns(annotations, size, signal)) ?? (await joined(annotations, size, budget, signal));
    if (mask !== undefined) masks.push({ label, ...bounded(mask) });
  }
  return masks;
}

type StoredMask = Omit<LabeledMask, 'label'>;

/** Runs are joined as runs; undefined where something else is to be drawn, or does not fit, which goes on to the error that says so. */
async function joinedRuns(
  annotations: readonly LabeledMark['annotation'][],
  { width, height }: Size,
  signal?: AbortSignal,
): Promise<StoredMask | undefined> {
  const rles: CocoRle[] = [];
  for (const annotation of annotations) {
    if (typeof annotation === 'function' || annotation.kind !== 'coco-rle') return undefined;
    const [rows, columns] = cocoRleSize(annotation.rle);
    if (rows !== height || columns !== width) return undefined;
    rles.push(annotation.rle);
  }
  const mask = await inTurns(unionOfRlesInSteps(rles), signal);
  return mask.area > 0 ? mask : undefined;
}

async function joined(
  annotations: readonly LabeledMark['annotation'][],
  { width, height }: Size,
  budget: PixelBudget,
  signal?: AbortSignal,
): Promise<StoredMask | undefined> {
  const mask = emptyMask(width, height);
  let painted = 0;
  const paint = async (annotation: DrawnAnnotation): Promise<void> => {
    budget.take(annotation);
    await inTurns(drawAnnotation(mask, annotation), signal);
    painted++;
  };
  for (const annotation of annotations) {
    signal?.throwIfAborted();
    if (typeof annotation === 'function') await annotation({ width, height, signal, paint });
    else await paint(await drawnOf(annotation));
  }
  if (painted === 0) return undefined;
  const { area } = await inTurns(maskExtentInSteps(mask), signal);
  return { rle: await inTurns(cocoRleInSteps(mask), signal), area };
}

async function drawnOf(annotation: Annotation): Promise<DrawnAnnotation> {
  return 'file' in annotation ? { kind: 'mask', mask: await maskOfFile(annotation.file) } : annotation;
}

async function maskOfFile(file: string | URL | Uint8Array): Promise<BinaryMask> {
  // A path in a request would name a file of the machine the service runs on.
  if (!(file instanceof Uint8Array))
    throw new ProsamError('ANNOTATION_INVALID', 'expected the bytes of a mask file, got a path. Send the bytes.');
  return decodeMask(file, 'mask').catch((cause: unknown) => {
    throw new ProsamError('ANNOTATION_INVALID', `the mask is not an image that can be read: ${messageOf(cause)}`, { cause });
  });
}

function bounded(mask: StoredMask): StoredMask {
  const { length } = mask.rle.counts;
  if (length <= MOST_COUNTS) return mask;
  throw new ProsamError(
    'ANNOTATION_INVALID',
    `expected a mask of at most ${MOST_COUNTS} characters of RLE, got ${length}. Smooth its outline.`,
  );
}
