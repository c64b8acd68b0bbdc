/**
 * Annotations: the object of one image, marked. Keyed by field: exactly one of `mask`, `rle`, `polygon`, `box`, `points`, `scribble`.
 * Coordinates are pixels of the upright image, or what `units` says. `parseAnnotation` checks once, at the door, what does not need the image.
 */
import { ProsamError } from '../common/errors.ts';
import { ANNOTATION_LIMITS } from '../common/limits.ts';
import type { BinaryMask } from './label-reduction.ts';
import { choiceOf, type MaskChoice } from './mask-choice.ts';
import type { Point } from './raster.ts';
import type { CocoRle } from './rle.ts';
import { UNITS, type Units } from './units.ts';

/** `[x, y]` or `{ x, y }`, in pixels. */
export type PointInput = readonly number[] | { readonly x: number; readonly y: number };
/** Corners of a ring, or points of a stroke. */
export type PathInput = readonly PointInput[];
/**
 * An image file of the image's size (path, URL, bytes, Blob), or pixels (non-zero = marked). Of a file's two values the one that is not
 * black is marked; smooth greys are from 128 on; files with more values need `maskValue` or `maskColor`.
 */
export type MaskInput = string | URL | Uint8Array | ArrayBuffer | Blob | BinaryMask;

/** The object of an image: exactly one of the keys `mask`, `rle`, `polygon`, `box`, `points`, `scribble`. */
export type Annotation = {
  /**
   * Units of the coordinates of `polygon`, `box`, `points`, `negative` and a scribble's strokes (brush widths are pixels). Up to a pixel
   * outside the image is clipped. @default 'pixels', of the upright image
   */
  units?: Units;
} & (
  | {
      /** Mask of the object. */
      mask: MaskInput;
      /** Value that is marked in a file with several: a grey value, or the index of an indexed PNG; 0 to 65535. */
      maskValue?: number;
      /** Colour that is marked in a file with several: six hexadecimal digits, such as 'ff0000'. */
      maskColor?: string;
    }
  | {
      /** Mask of the object in COCO's run-length encoding. */
      rle: CocoRle;
    }
  | {
      /** One closed ring of at least three corners, or several; a ring inside another is a hole. */
      polygon: PathInput | readonly PathInput[];
    }
  | {
      /** x0, y0, x1, y1 with x0 < x1 and y0 < y1. */
      box: readonly number[];
    }
  | {
      /** Points on the object. */
      points: readonly PointInput[];
      /** Points beside the object. */
      negative?: readonly PointInput[];
    }
  | {
      /** One stroke over the object, several, or a mask of strokes. */
      scribble: PathInput | readonly PathInput[] | MaskInput;
      /** Brush width of strokes in pixels. @default one hundredth of the image's longer side, at least 1 */
      width?: number;
    }
);

export const ANNOTATION_KINDS = ['mask', 'rle', 'polygon', 'box', 'points', 'scribble'] as const;
/** The key that says which kind an annotation is. */
export type AnnotationKind = (typeof ANNOTATION_KINDS)[number];

export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

type ParsedShape =
  | { kind: 'points'; points: readonly Point[]; negative: readonly Point[]; units?: Units }
  | { kind: 'box'; box: Box; units?: Units }
  | { kind: 'polygon'; rings: readonly (readonly Point[])[]; units?: Units }
  | { kind: 'scribble'; strokes: readonly (readonly Point[])[]; width: number | undefined; units?: Units }
  | { kind: 'rle'; rle: CocoRle };

/** A checked annotation. `file`: a mask file that is still to be read. */
export type ParsedAnnotation = DrawnAnnotation | { kind: 'mask' | 'scribble'; file: MaskFile; choice?: MaskChoice };
export type MaskFile = Exclude<MaskInput, BinaryMask>;
/** A checked annotation whose pixels are at hand. */
export type DrawnAnnotation = ParsedShape | { kind: 'mask' | 'scribble'; mask: BinaryMask };

/**
 * Checks an annotation's form; whether it lies inside the image is checked where it is drawn. Other fields, such as a reference's
 * image and label, are ignored.
 * @throws ANNOTATION_INVALID
 */
export function parseAnnotation(annotation: Annotation): ParsedAnnotation {
  const fields = annotation as unknown as Record<string, unknown>;
  const kind = kindOf(annotation);
  const value = fields[kind];
  const units = unitsOf(fields['units']);
  switch (kind) {
    case 'points': {
      const { points, negative } = parsePrompts(value, fields['negative']);
      if (points.length === 0) throw invalid('points', 'expected at least one point on the object, got none');
      return { kind, points, negative, ...units };
    }
    case 'box':
      return { kind, box: parseBox(value), ...units };
    case 'polygon': {
      const rings = pathsOf('polygon', value);
      if (rings.length === 0) throw invalid('polygon', 'expected at least one ring, got none');
      for (const ring of rings)
        if (ring.length < 3) throw invalid('polygon', `expected rings of at least three corners, got one of ${ring.length}`);
      return { kind, rings, ...units };
    }
    case 'scribble': {
      if (!Array.isArray(value)) return pixelsOf(kind, value);
      const strokes = pathsOf('scribble', value);
      if (strokes.length === 0) throw invalid('scribble', 'expected at least one stroke, got none');
      if (strokes.some((stroke) => stroke.length === 0))
        throw invalid('scribble', 'expected strokes of at least one point, got one of none');
      return { kind, strokes, width: brushOf(fields['width']), ...units };
    }
    case 'rle':
      return { kind, rle: rleOf(value) };
    case 'mask': {
      const mask = pixelsOf(kind, value);
      const choice = choiceOf(fields);
      if (choice === undefined) return mask;
      if (!('file' in mask))
        throw invalid(kind, 'maskValue and maskColor go with a file; mark the pixels of { data, width, height } themselves');
      return { ...mask, choice };
    }
  }
}

/** The annotation among the fields of something that carries one. @throws ANNOTATION_INVALID unless it is exactly one */
export function annotationIn(carrier: Annotation): Annotation {
  const fields = carrier as unknown as Record<string, unknown>;
  const kind = kindOf(carrier);
  const beside = kind === 'points' ? ['negative'] : kind === 'scribble' ? ['width'] : kind === 'mask' ? ['maskValue', 'maskColor'] : [];
  const given = [kind, ...beside, 'units'].filter((key) => fields[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, fields[key]])) as unknown as Annotation;
}

/** @throws ANNOTATION_INVALID unless exactly one key is there, with nothing beside it that belongs to another kind */
export function kindOf(annotation: Annotation): AnnotationKind {
  const given: unknown = annotation;
  if (typeof given !== 'object' || given === null) throw invalid('annotation', `expected an object, got ${shown(given)}`);
  const fields = given as Record<string, unknown>;
  const found = ANNOTATION_KINDS.filter((key) => fields[key] !== undefined);
  const [kind] = found;
  if (kind !== undefined && found.length === 1) {
    if (fields['negative'] !== undefined && kind !== 'points') throw invalid(kind, 'negative goes with points');
    if ((fields['maskValue'] ?? fields['maskColor']) !== undefined && kind !== 'mask')
      throw invalid(kind, 'maskValue and maskColor go with a mask');
    if (fields['width'] !== undefined && kind !== 'scribble') throw invalid(kind, 'width goes with a scribble');
    return kind;
  }
  const got = found.length > 0 ? found.join(' and ') : `none of them (its fields: ${Object.keys(fields).join(', ') || 'none'})`;
  throw invalid('annotation', `expected exactly one of ${ANNOTATION_KINDS.join(', ')}, got ${got}`);
}

export function invalid(kind: string, problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `${kind}: ${problem}.`);
}

export function parseBox(value: unknown): Box {
  const numbers = Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as ArrayLike<unknown>) : [];
  if (numbers.length !== 4 || !numbers.every(Number.isFinite))
    throw invalid('box', `expected four numbers x0, y0, x1, y1, got ${shown(value)}`);
  const [x0, y0, x1, y1] = numbers as unknown as Box;
  if (x0 >= x1 || y0 >= y1) throw invalid('box', `expected x0 < x1 and y0 < y1, got (${x0}, ${y0}, ${x1}, ${y1})`);
  return [x0, y0, x1, y1];
}

/** One path, or several. */
function pathsOf(kind: 'polygon' | 'scribble', value: unknown): Point[][] {
  if (!Array.isArray(value)) throw invalid(kind, `expected points, or several lists of points, got ${shown(value)}`);
  const [first] = value as unknown[];
  const several = Array.isArray(first) && typeof first[0] !== 'number';
  const paths = several || value.length === 0 ? (value as unknown[]) : [value];
  // Drawing takes time for every point, however many lists they come in.
  const count = paths.reduce((sum: number, path) => sum + (Array.isArray(path) ? path.length : 0), 0);
  const most = kind === 'scribble' ? ANNOTATION_LIMITS.strokePoints : ANNOTATION_LIMITS.corners;
  if (count > most) throw invalid(kind, `expected at most ${most} points, got ${count}`);
  return paths.map((path) => parsePoints(kind, path));
}

/** Points on the object and beside it. @throws ANNOTATION_INVALID */
export function parsePrompts(points: unknown = [], negative: unknown = []): { points: Point[]; negative: Point[] } {
  const count = [points, negative].reduce((sum: number, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
  const most = ANNOTATION_LIMITS.points;
  if (count > most) throw invalid('points', `expected at most ${most} points, negative ones included, got ${count}`);
  return { points: parsePoints('points', points), negative: parsePoints('negative', negative) };
}

export function parsePoints(kind: string, value: unknown): Point[] {
  if (!Array.isArray(value)) throw invalid(kind, `expected a list of points, got ${shown(value)}`);
  return (value as unknown[]).map((item): Point => {
    const [x, y, more] = Array.isArray(item) ? (item as unknown[]) : coordinatesOf(item);
    if (Number.isFinite(x) && Number.isFinite(y) && more === undefined) return [x as number, y as number];
    throw invalid(kind, `expected numbers for x and y as [x, y] or { x, y }, got ${shown(item)}`);
  });
}

function coordinatesOf(item: unknown): unknown[] {
  if (typeof item !== 'object' || item === null) return [];
  const { x, y } = item as { x?: unknown; y?: unknown };
  return [x, y];
}

/** @throws ANNOTATION_INVALID */
export function unitsOf(value: unknown): { units?: Units } {
  if (value === undefined) return {};
  const units = UNITS.find((one) => one === value);
  if (units === undefined) throw invalid('units', `expected one of ${UNITS.join(', ')}, got ${shown(value)}`);
  return { units };
}

function brushOf(width: unknown): number | undefined {
  const most = ANNOTATION_LIMITS.brush;
  if (width === undefined || (typeof width === 'number' && width > 0 && width <= most)) return width;
  throw invalid('scribble', `expected a brush width of more than 0 and at most ${most} pixels, got ${shown(width)}`);
}

function rleOf(value: unknown): CocoRle {
  const { size, counts } = (value ?? {}) as Partial<Record<keyof CocoRle, unknown>>;
  const { runs, runText } = ANNOTATION_LIMITS;
  if (Array.isArray(counts) && counts.length > runs) throw invalid('rle', `expected at most ${runs} runs, got ${counts.length}`);
  if (typeof counts === 'string' && counts.length > runText)
    throw invalid('rle', `expected counts of at most ${runText} characters, got ${counts.length}`);
  if (Array.isArray(size) && size.length === 2 && (typeof counts === 'string' || Array.isArray(counts))) return value as CocoRle;
  throw invalid('rle', `expected { size: [height, width], counts: text or a list of runs }, got ${shown(value)}`);
}

function pixelsOf(kind: 'mask' | 'scribble', value: unknown): Extract<ParsedAnnotation, { kind: 'mask' | 'scribble' }> {
  const isFile = typeof value === 'string' || value instanceof URL || value instanceof Uint8Array;
  if (isFile || value instanceof ArrayBuffer || value instanceof Blob) return { kind, file: value };
  const { data, width, height } = (value ?? {}) as Partial<BinaryMask>;
  if (data !== undefined && ArrayBuffer.isView(data) && typeof width === 'number' && typeof height === 'number')
    return { kind, mask: { data, width, height } };
  throw invalid(kind, `expected a path, URL, bytes, Blob or { data, width, height } with bytes as data, got ${shown(value)}`);
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  // JSON has no NaN.
  if (Array.isArray(value) && value.length < 10 && value.every((item) => typeof item === 'number')) return `(${value.join(', ')})`;
  const text = JSON.stringify(value, (_, item: unknown) => (ArrayBuffer.isView(item) ? `${item.byteLength} bytes` : item)) as
    string | undefined;
  return text === undefined ? typeof value : text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
