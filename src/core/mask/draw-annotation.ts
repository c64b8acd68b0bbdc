/** Annotations drawn as masks of the image's size: where they are compared with the image. */
import { ProsamError } from '../common/errors.ts';
import { invalid, parseAnnotation, type Annotation, type DrawnAnnotation, type ParsedAnnotation } from './annotation.ts';
import { fittedAnnotation } from './coordinates.ts';
import { runStepsSync, PAUSE_AFTER_PLAIN, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';
import { drawStrokeSteps, emptyMask, fillBoxSteps, fillPolygonSteps, polygonRows, strokeCost, type Point } from './raster.ts';
import { cocoRleSize, drawCocoRleSteps } from './rle.ts';

/** Rows that the edges of an outline may pass, added up: a second of work or so. Outlines of real objects pass a thousandth of it. */
const MAX_POLYGON_ROWS = 2 ** 25;
/** Pixels that a scribble may paint, each as often as the brush passes it. */
const MAX_SCRIBBLE_COST = 2 ** 32;
/** Brush width where none is given, as a share of the image's longer side. */
const BRUSH_SHARE = 0.01;

/**
 * The bare annotation as a mask of the image's size, without SAM: a box filled, a scribble as its strokes, one pixel a point.
 * Negative points take nothing away here: they guide SAM.
 * @throws ANNOTATION_INVALID (also for mask files: decode them first), ANNOTATION_OUTSIDE, MASK_SIZE_MISMATCH, MASK_EMPTY
 */
export function maskFromAnnotation(annotation: Annotation, width: number, height: number): BinaryMask {
  return maskFromDrawn(withPixels(parseAnnotation(annotation)), width, height);
}

/** The same for a checked annotation. */
export function maskFromDrawn(annotation: DrawnAnnotation, width: number, height: number): BinaryMask {
  const mask = emptyMask(width, height);
  runStepsSync(drawAnnotation(mask, annotation));
  return mask;
}

/** @throws ANNOTATION_INVALID for a mask file that nobody has read */
export function withPixels(annotation: ParsedAnnotation): DrawnAnnotation {
  if (!('file' in annotation)) return annotation;
  throw invalid(annotation.kind, 'expected pixels { data, width, height }, got a file. Decode it first');
}

/**
 * Marks the annotation's pixels on a mask of the image's size; those that are set stay.
 * @throws ANNOTATION_INVALID, ANNOTATION_OUTSIDE, MASK_SIZE_MISMATCH, MASK_EMPTY for one that marks no pixel
 */
export function* drawAnnotation(mask: BinaryMask, annotation: DrawnAnnotation): Steps<void> {
  const painted = yield* draw(mask, fittedAnnotation(annotation, mask));
  if (painted > 0) return;
  throw new ProsamError(
    'MASK_EMPTY',
    `expected a ${annotation.kind} that marks at least one pixel, got one that marks none. Mark the object and try again.`,
  );
}

/** Returns the number of pixels painted, some perhaps more than once. */
function* draw(mask: BinaryMask, annotation: DrawnAnnotation): Steps<number> {
  const { width, height } = mask;
  if ('mask' in annotation) return yield* drawPixels(mask, sameSize(annotation.mask, width, height));
  switch (annotation.kind) {
    case 'points':
      for (const [x, y] of annotation.points) mask.data[Math.floor(y) * width + Math.floor(x)] = 1;
      return annotation.points.length;
    case 'box':
      return yield* fillBoxSteps(mask, annotation.box);
    case 'scribble': {
      const brush = annotation.width ?? Math.max(1, BRUSH_SHARE * Math.max(width, height));
      checkScribble(annotation.strokes, brush, width, height);
      let painted = 0;
      for (const path of annotation.strokes) painted += yield* drawStrokeSteps(mask, path, brush);
      return painted;
    }
    case 'polygon':
      if (polygonRows(annotation.rings, height) > MAX_POLYGON_ROWS) {
        throw invalid('polygon', `expected edges that pass at most ${MAX_POLYGON_ROWS} rows of pixels together. Simplify the outline`);
      }
      return yield* fillPolygonSteps(mask, annotation.rings);
    case 'rle': {
      // The sizes are compared first, so that a few characters cannot ask for a mask far larger than the image.
      const [rows, columns] = cocoRleSize(annotation.rle);
      if (rows !== height || columns !== width) throw sizeMismatch(columns, rows, rows * columns, width, height);
      return yield* drawCocoRleSteps(mask, annotation.rle);
    }
  }
}

function* drawPixels(mask: BinaryMask, { data }: BinaryMask): Steps<number> {
  let painted = 0;
  for (let start = 0; start < data.length; start += PAUSE_AFTER_PLAIN) {
    if (start > 0) yield;
    for (let at = start, end = Math.min(data.length, start + PAUSE_AFTER_PLAIN); at < end; at++) {
      if (data[at] === 0) continue;
      mask.data[at] = 1;
      painted++;
    }
  }
  return painted;
}

function checkScribble(strokes: readonly (readonly Point[])[], brush: number, width: number, height: number): void {
  if (!(brush <= Math.max(width, height)))
    throw invalid('scribble', `expected a brush width of more than 0 pixels within the image, got ${brush}`);
  let cost = 0;
  for (const path of strokes) {
    cost += strokeCost(path, brush, { width, height });
  }
  if (cost > MAX_SCRIBBLE_COST)
    throw invalid(
      'scribble',
      `expected a brush that passes at most ${MAX_SCRIBBLE_COST} pixels in all. Use a thinner one, or fewer points`,
    );
}

/** @throws MASK_SIZE_MISMATCH */
export function sameSize(mask: BinaryMask, width: number, height: number): BinaryMask {
  if (mask.width === width && mask.height === height && mask.data.length === width * height) return mask;
  throw sizeMismatch(mask.width, mask.height, mask.data.length, width, height);
}

function sizeMismatch(gotWidth: number, gotHeight: number, values: number, width: number, height: number): ProsamError {
  return new ProsamError(
    'MASK_SIZE_MISMATCH',
    `expected a mask of the image's size ${width} x ${height}, got ${gotWidth} x ${gotHeight} with ${values} values. ` +
      'If the image carries an EXIF rotation, the mask must be upright too.',
  );
}
