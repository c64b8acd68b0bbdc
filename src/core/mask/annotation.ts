/** What a person marked on a reference image, and the mask it stands for. All coordinates are pixels of the upright image. */
import { ProsamError } from '../common/errors.ts';
import type { BinaryMask } from './label-reduction.ts';
import { atOnce, PAUSE_AFTER_PLAIN, type Steps } from './cooperative.ts';
import { drawStrokeInSteps, emptyMask, fillBoxInSteps, fillPolygonInSteps, polygonRows, strokeCost, type Point } from './raster.ts';
import { cocoRleSize, drawCocoRleInSteps, type CocoRle } from './rle.ts';

export interface PointsAnnotation {
  kind: 'points';
  /** On the object. */
  points: readonly Point[];
  /** Not on the object. */
  negative?: readonly Point[];
}

export interface BoxAnnotation {
  kind: 'box';
  /** x0 < x1, y0 < y1 */
  boxXyxy: readonly [x0: number, y0: number, x1: number, y1: number];
}

export interface ScribbleAnnotation {
  kind: 'scribble';
  strokes: readonly { path: readonly Point[]; width: number }[];
}

export interface PolygonAnnotation {
  kind: 'polygon';
  /** Closed rings of at least three corners; a ring inside another is a hole. */
  rings: readonly (readonly Point[])[];
}

export interface RleAnnotation {
  kind: 'coco-rle';
  rle: CocoRle;
}

/** A mask or scribble as pixels: non-zero = marked. */
export interface MaskAnnotation {
  kind: 'mask' | 'scribble-mask';
  mask: BinaryMask;
}

/** A mask or scribble as an image file (PNG or another format): its path or bytes; brighter than half = marked. */
export interface MaskFileAnnotation {
  kind: 'mask-file' | 'scribble-file';
  file: string | URL | Uint8Array;
}

/** Annotations whose pixels are at hand. */
export type DrawnAnnotation = PointsAnnotation | BoxAnnotation | ScribbleAnnotation | PolygonAnnotation | RleAnnotation | MaskAnnotation;
export type Annotation = DrawnAnnotation | MaskFileAnnotation;

/** Marks so thin that the model's own label reduction would lose most of them. */
export function isSparse(annotation: Annotation): boolean {
  return annotation.kind === 'points' || annotation.kind.startsWith('scribble');
}

const MAX_POINTS = 100_000;
/** A wide brush takes a hundred times longer a point than an outline. */
const MAX_SCRIBBLE_POINTS = 10_000;

/** Rows that the edges of an outline may pass, added up: a second of work or so. Outlines of real objects pass a thousandth of it. */
const MAX_POLYGON_ROWS = 2 ** 25;
/** Pixels that a scribble may paint, each as often as the brush passes it. */
const MAX_SCRIBBLE_COST = 2 ** 32;

/**
 * The annotation as a mask of the image's size. Negative points take nothing away here: they guide SAM.
 * @throws ANNOTATION_INVALID, ANNOTATION_OUTSIDE, MASK_SIZE_MISMATCH, MASK_EMPTY
 */
export function maskFromAnnotation(annotation: DrawnAnnotation, width: number, height: number): BinaryMask {
  const mask = emptyMask(width, height);
  atOnce(drawAnnotation(mask, annotation));
  return mask;
}

/**
 * Marks the annotation's pixels on a mask of the image's size; those that are set stay.
 * @throws ANNOTATION_INVALID, ANNOTATION_OUTSIDE, MASK_SIZE_MISMATCH, MASK_EMPTY for one that marks no pixel
 */
export function* drawAnnotation(mask: BinaryMask, annotation: DrawnAnnotation): Steps<void> {
  const painted = yield* drawShaped(mask, annotation);
  if (painted > 0) return;
  throw new ProsamError(
    'MASK_EMPTY',
    `expected a ${annotation.kind} that marks at least one pixel, got one that marks none. Mark the object and try again.`,
  );
}

/** Callers without a type checker may leave fields out. */
function* drawShaped(mask: BinaryMask, annotation: DrawnAnnotation): Steps<number> {
  try {
    return yield* draw(mask, annotation);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new ProsamError('ANNOTATION_INVALID', `${annotation.kind}: a field is missing or of the wrong type: ${cause.message}.`, {
      cause,
    });
  }
}

/** Returns the number of pixels painted, some perhaps more than once. */
function* draw(mask: BinaryMask, annotation: DrawnAnnotation): Steps<number> {
  const { width, height } = mask;
  switch (annotation.kind) {
    case 'points':
      if (annotation.points.length === 0) throw invalid('points', 'expected at least one point on the object, got none');
      for (const list of [annotation.points, annotation.negative ?? []]) {
        checkCount('points', [list]);
        checkInside('point', list, width, height);
      }
      for (const [x, y] of annotation.points) mask.data[Math.floor(y) * width + Math.floor(x)] = 1;
      return annotation.points.length;
    case 'box':
      checkBox(annotation.boxXyxy, width, height);
      return yield* fillBoxInSteps(mask, annotation.boxXyxy);
    case 'scribble': {
      checkScribble(annotation.strokes, width, height);
      let painted = 0;
      for (const { path, width: brush } of annotation.strokes) painted += yield* drawStrokeInSteps(mask, path, brush);
      return painted;
    }
    case 'polygon':
      if (annotation.rings.length === 0) throw invalid('polygon', 'expected at least one ring, got none');
      checkCount('polygon', annotation.rings);
      for (const ring of annotation.rings) {
        if (ring.length < 3) throw invalid('polygon', `expected rings of at least three corners, got one of ${ring.length}`);
        checkInside('polygon', ring, width, height);
      }
      if (polygonRows(annotation.rings, height) > MAX_POLYGON_ROWS) {
        throw invalid('polygon', `expected edges that pass at most ${MAX_POLYGON_ROWS} rows of pixels together. Simplify the outline`);
      }
      return yield* fillPolygonInSteps(mask, annotation.rings);
    case 'coco-rle': {
      // The sizes are compared first, so that a few characters cannot ask for a mask far larger than the image.
      const [rows, columns] = cocoRleSize(annotation.rle);
      if (rows !== height || columns !== width) throw sizeMismatch(columns, rows, rows * columns, width, height);
      return yield* drawCocoRleInSteps(mask, annotation.rle);
    }
    case 'mask':
    case 'scribble-mask':
      return yield* drawPixels(mask, sameSize(annotation.mask, width, height));
    default:
      throw invalid('kind', `expected one of the kinds of annotation, got ${JSON.stringify((annotation as { kind?: unknown }).kind)}`);
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

function invalid(kind: string, problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `${kind}: ${problem}.`);
}

function checkScribble(strokes: ScribbleAnnotation['strokes'], width: number, height: number): void {
  if (strokes.length === 0) throw invalid('scribble', 'expected at least one stroke, got none');
  checkCount(
    'scribble',
    strokes.map((stroke) => stroke.path),
  );
  let cost = 0;
  for (const { path, width: brush } of strokes) {
    if (!(brush > 0 && brush <= Math.max(width, height)))
      throw invalid('scribble', `expected a brush width of more than 0 pixels within the image, got ${brush}`);
    if (path.length === 0) throw invalid('scribble', 'expected strokes of at least one point, got one of none');
    checkInside('scribble', path, width, height);
    cost += strokeCost(path, brush, { width, height });
  }
  if (cost > MAX_SCRIBBLE_COST)
    throw invalid(
      'scribble',
      `expected a brush that passes at most ${MAX_SCRIBBLE_COST} pixels in all. Use a thinner one, or fewer points`,
    );
}

/** Drawing takes time for every point, however many lists they come in. */
function checkCount(kind: string, lists: readonly (readonly Point[])[]): void {
  const count = lists.reduce((sum, list) => sum + list.length, 0);
  const most = kind === 'scribble' ? MAX_SCRIBBLE_POINTS : MAX_POINTS;
  if (count > most) throw invalid(kind, `expected at most ${most} points, got ${count}`);
}

/** Coordinates must be numbers within the image; the far border counts as inside for shapes, not for points. */
function checkInside(kind: 'point' | 'scribble' | 'polygon', points: readonly Point[], width: number, height: number): void {
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) throw invalid(kind, `expected numbers for x and y, got (${x}, ${y})`);
    const inside = x >= 0 && y >= 0 && (kind === 'point' ? x < width && y < height : x <= width && y <= height);
    if (!inside) throw outside(`${kind} at (${x}, ${y})`, width, height);
  }
}

function checkBox([x0, y0, x1, y1]: BoxAnnotation['boxXyxy'], width: number, height: number): void {
  const text = `(${x0}, ${y0}, ${x1}, ${y1})`;
  if (![x0, y0, x1, y1].every(Number.isFinite)) throw invalid('box', `expected four numbers x0,y0,x1,y1, got ${text}`);
  if (x0 >= x1 || y0 >= y1) throw invalid('box', `expected x0 < x1 and y0 < y1, got ${text}`);
  if (x0 < 0 || y0 < 0 || x1 > width || y1 > height) throw outside(`box ${text}`, width, height);
}

function outside(what: string, width: number, height: number): ProsamError {
  return new ProsamError(
    'ANNOTATION_OUTSIDE',
    `expected marks inside the image of ${width} x ${height} pixels, got a ${what}. Coordinates are pixels of the upright image.`,
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
