/** From annotations to one mask a label, as it is stored. */
import { asBytes } from '../core/image/input.ts';
import { decodeMaskFile } from '../core/image/node/decode-mask.ts';
import { isProsamError, messageOf, ProsamError } from '../core/common/errors.ts';
import { treatmentOf } from '../core/engine/resolve-annotation.ts';
import {
  annotationIn,
  parseAnnotation,
  type Annotation,
  type AnnotationKind,
  type DrawnAnnotation,
  type ParsedAnnotation,
} from '../core/mask/annotation.ts';
import { drawAnnotation, withPixels } from '../core/mask/draw-annotation.ts';
import { runSteps } from '../core/mask/cooperative.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';
import { createPixelBudget, type PixelBudget, type Size } from '../core/mask/pixel-budget.ts';
import { emptyMask, maskExtentSteps } from '../core/mask/raster.ts';
import { cocoRleSteps, cocoRleFromMask, cocoRleSize, unionOfRlesSteps, type CocoRle } from '../core/mask/rle.ts';
import type { AcceptedAnnotation, DeferredAnnotation } from './types.ts';
import type { AcceptedMask } from './ports/storage.ts';
import { sentHash } from './sent-annotations.ts';

/** An annotation of a label: checked, or painted when its turn comes. */
export type LabeledAnnotation = { label: string } & (
  | {
      given: Annotation;
      annotation: ParsedAnnotation;
      /** The annotation that SAM made this one of. */
      grownFrom?: ParsedAnnotation;
    }
  | { draw: DeferredAnnotation; annotation?: undefined }
);

/** SAM's object mask of an annotation. */
export type Grow = (annotation: Annotation) => Promise<BinaryMask>;

/** Whether SAM grows annotations of a kind. */
type IsGrown = (kind: AnnotationKind) => boolean;
const isGrownNow: IsGrown = (kind) => treatmentOf(kind, 'accept').grown;
/** Treatment in version 0.1.0: boxes were stored filled, scribbles as their strokes. */
export const wasGrownIn010: IsGrown = (kind) => kind === 'points';

export interface GrowOptions {
  grow: Grow;
  /** @default boxes, points and scribbles */
  isGrown?: IsGrown;
  signal?: AbortSignal | undefined;
}

/** Longest text of a stored mask: an outline of some hundred thousand corners. */
const MAX_COUNTS = 2_000_000;

/** @throws ANNOTATION_INVALID */
export function parsedAnnotations(masks: readonly AcceptedAnnotation[]): LabeledAnnotation[] {
  return masks.map((one) => {
    const { label } = one;
    if ('draw' in one) return { label, draw: one.draw };
    const annotation = parseAnnotation(one);
    checkHasBytes(annotation);
    return { label, given: annotationIn(one), annotation };
  });
}

/** A path in a request would name a file of the machine the service runs on. @throws ANNOTATION_INVALID */
export function checkHasBytes(annotation: ParsedAnnotation): void {
  if (!('file' in annotation) || asBytes(annotation.file) !== undefined) return;
  throw new ProsamError('ANNOTATION_INVALID', 'expected the bytes of a mask file, got a path or a Blob. Send the bytes.');
}

/** Annotations that SAM turns into objects become masks; all others stay as they are. @throws ANNOTATION_*, MASK_* */
export async function grownAnnotations(
  all: readonly LabeledAnnotation[],
  { grow, isGrown = isGrownNow, signal }: GrowOptions,
): Promise<LabeledAnnotation[]> {
  const grown: LabeledAnnotation[] = [];
  for (const one of all) {
    if (one.annotation === undefined || !isGrown(one.annotation.kind)) {
      grown.push(one);
      continue;
    }
    // As runs: the pixels of two hundred masks would be in memory together.
    const given = { rle: await cocoRleFromMask(await grow(one.given), { signal }) };
    grown.push({ label: one.label, given, annotation: { kind: 'rle', ...given }, grownFrom: one.annotation });
  }
  return grown;
}

/** Refuses before anything is drawn what is known to be too much. @throws REQUEST_TOO_LARGE */
export function checkBudget(all: readonly LabeledAnnotation[], size: Size): void {
  const budget = createPixelBudget(size);
  budget.takeWhole(new Set(all.map(({ label }) => label)).size);
  for (const { annotation } of all) {
    if (annotation === undefined) continue;
    // What SAM grows is as large as the image, however small the annotation.
    if (isGrownNow(annotation.kind)) budget.takeWhole();
    else budget.take(annotation);
  }
}

/**
 * One mask per label in the order the labels first appear, at the size of the image; drawn in turns with everything else on the thread.
 * @throws ANNOTATION_*, MASK_*, IMAGE_* for a mask file, the signal's reason
 */
export async function masksByLabel(
  all: readonly LabeledAnnotation[],
  size: Size,
  { grow, isGrown = isGrownNow, signal }: GrowOptions,
): Promise<AcceptedMask[]> {
  const groups = new Map<string, LabeledAnnotation[]>();
  for (const one of all) groups.set(one.label, [...(groups.get(one.label) ?? []), one]);
  const masks: AcceptedMask[] = [];
  const budget = createPixelBudget(size);
  for (const [label, annotations] of groups) {
    budget.takeWhole();
    const mask = (await joinedRuns(annotations, size, signal)) ?? (await joined(annotations, size, { budget, grow, isGrown, signal }));
    if (mask !== undefined) masks.push({ label, ...bounded(mask) });
  }
  return masks;
}

type StoredMask = Omit<AcceptedMask, 'label'>;

/** Runs are joined as runs; undefined where something else is to be drawn, or does not fit, which goes on to the error that says so. */
async function joinedRuns(
  annotations: readonly LabeledAnnotation[],
  { width, height }: Size,
  signal?: AbortSignal,
): Promise<StoredMask | undefined> {
  const rles: CocoRle[] = [];
  const rest: CocoRle[] = [];
  const origins: ParsedAnnotation[] = [];
  for (const one of annotations) {
    if (one.annotation === undefined || one.annotation.kind !== 'rle') return undefined;
    const { rle } = one.annotation;
    const [rows, columns] = cocoRleSize(rle);
    if (rows !== height || columns !== width) return undefined;
    rles.push(rle);
    if (one.grownFrom === undefined) rest.push(rle);
    else origins.push(one.grownFrom);
  }
  const mask = await runSteps(unionOfRlesSteps(rles), signal);
  if (mask.area === 0) return undefined;
  if (origins.length === 0) return mask;
  const others = rest.length > 0 ? await runSteps(unionOfRlesSteps(rest), signal) : undefined;
  return { ...mask, sent: await sentHash(origins, others?.rle, signal) };
}

type JoinOptions = Required<Omit<GrowOptions, 'signal'>> & { budget: PixelBudget; signal: AbortSignal | undefined };

/** Draws SAM's masks apart from the rest, which belongs to what was sent. */
async function joined(
  annotations: readonly LabeledAnnotation[],
  { width, height }: Size,
  options: JoinOptions,
): Promise<StoredMask | undefined> {
  const { budget, signal } = options;
  const origins: ParsedAnnotation[] = [];
  const masks: { rest?: BinaryMask; grown?: BinaryMask } = {};
  const paint = async (drawn: DrawnAnnotation, origin?: ParsedAnnotation): Promise<void> => {
    if (origin !== undefined) origins.push(origin);
    const mask = (masks[origin === undefined ? 'rest' : 'grown'] ??= emptyMask(width, height));
    await runSteps(drawAnnotation(mask, drawn), signal);
  };
  for (const one of annotations) {
    signal?.throwIfAborted();
    if (one.annotation === undefined) {
      await one.draw({ width, height, signal, paint: (given) => paintDeferred(given, paint, options) });
      continue;
    }
    budget.take(one.annotation);
    await paint(await drawnOf(one.annotation), one.grownFrom);
  }
  const { rest, grown } = masks;
  const others = rest && (await storedMask(rest, signal));
  if (grown === undefined) return others;
  const sent = await sentHash(origins, others?.rle, signal);
  if (rest) await runSteps(drawAnnotation(grown, { kind: 'mask', mask: rest }), signal);
  return { ...(await storedMask(grown, signal)), sent };
}

async function storedMask(mask: BinaryMask, signal: AbortSignal | undefined): Promise<StoredMask> {
  const { area } = await runSteps(maskExtentSteps(mask), signal);
  return { rle: await runSteps(cocoRleSteps(mask), signal), area };
}

async function paintDeferred(
  given: Annotation,
  paint: (drawn: DrawnAnnotation, origin?: ParsedAnnotation) => Promise<void>,
  { budget, grow, isGrown }: JoinOptions,
): Promise<void> {
  const annotation = withPixels(parseAnnotation(given));
  if (isGrown(annotation.kind)) {
    budget.takeWhole();
    await paint({ kind: 'mask', mask: await grow(given) }, annotation);
    return;
  }
  budget.take(annotation);
  await paint(annotation);
}

/** Decoded off the calling thread. */
async function drawnOf(annotation: ParsedAnnotation): Promise<DrawnAnnotation> {
  if (!('file' in annotation)) return annotation;
  const { kind, file, choice } = annotation;
  const mask = await decodeMaskFile(asBytes(file) ?? new Uint8Array(), 'mask', {}, choice).catch((cause: unknown) => {
    if (isProsamError(cause) && cause.code === 'ANNOTATION_INVALID') throw cause;
    throw new ProsamError('ANNOTATION_INVALID', `the mask is not an image that can be read: ${messageOf(cause)}`, { cause });
  });
  return { kind, mask };
}

function bounded(mask: StoredMask): StoredMask {
  const { length } = mask.rle.counts;
  if (length <= MAX_COUNTS) return mask;
  throw new ProsamError(
    'ANNOTATION_INVALID',
    `expected a mask of at most ${MAX_COUNTS} characters of RLE, got ${length}. Smooth its outline.`,
  );
}
