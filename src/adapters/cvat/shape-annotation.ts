/** CVAT's shapes as annotations: what a person drew there, in the words of the service. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Annotation } from '../../core/mask/annotation.ts';
import { clippedClick, clippedCorner } from '../../core/mask/coordinates.ts';
import { ellipseOutline, type Ellipse } from '../../core/mask/ellipse.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import type { Point } from '../../core/mask/raster.ts';
import { maskFromCvatRle } from '../../core/mask/cvat-rle.ts';

/** Its kind, its numbers and, for rectangles and ellipses, degrees clockwise around the middle. */
export interface MarkedShape {
  type: string;
  points: readonly number[];
  rotation?: number;
}

/** Annotation of a shape, its pixels at hand. */
export type ShapeAnnotation = { mask: BinaryMask } | Extract<Annotation, { polygon: unknown } | { box: unknown } | { points: unknown }>;

/** Kinds of shapes that mark an area or an object. */
export const USABLE_SHAPES: ReadonlySet<string> = new Set(['mask', 'polygon', 'rectangle', 'ellipse', 'points']);

/**
 * Coordinates that leave the image by the rounding of CVAT's canvas are brought back to its border.
 * @throws ANNOTATION_INVALID, ANNOTATION_OUTSIDE for masks that are not valid, and for kinds that mark no area (polyline, cuboid, skeleton)
 */
export function annotationFromShape({ type, points, rotation = 0 }: MarkedShape, width: number, height: number): ShapeAnnotation {
  const inside = (list: readonly Point[]): Point[] => list.map(([x, y]) => clippedCorner([x, y], { width, height }));
  switch (type) {
    case 'mask':
      return { mask: maskFromCvatRle(points, width, height) };
    case 'polygon':
      return { polygon: [inside(pairs(points, 3, 'polygon'))] };
    case 'rectangle': {
      const [[x0, y0], [x1, y1]] = pairs(points, 2, 'rectangle') as [Point, Point];
      if (rotation % 360 === 0) {
        const [from, to] = inside([
          [Math.min(x0, x1), Math.min(y0, y1)],
          [Math.max(x0, x1), Math.max(y0, y1)],
        ]) as [Point, Point];
        return { box: [...from, ...to] };
      }
      return { polygon: [inside(turned(cornersOf([x0, y0, x1, y1]), [(x0 + x1) / 2, (y0 + y1) / 2], rotation))] };
    }
    case 'ellipse': {
      // Its middle, then the right-most and the upper-most point: (cx, cy), (right, top).
      const [[cx, cy], [right, top]] = pairs(points, 2, 'ellipse') as [Point, Point];
      return { polygon: [inside(ellipseOutline({ cx, cy, radiusX: right - cx, radiusY: cy - top, rotation }))] };
    }
    case 'points':
      // A point on the far border lies in the last pixel.
      return {
        points: pairs(points, 1, 'points').map((point) => clippedClick(point, { width, height })),
      };
    default:
      throw invalid(type, 'marks no area. Use a mask, polygon, rectangle, ellipse or points');
  }
}

/** The same as a finished label: a rectangle is the outline that was drawn, not a hint at an object within. */
export function outlinedShape(shape: MarkedShape, width: number, height: number): ShapeAnnotation {
  const annotation = annotationFromShape(shape, width, height);
  return 'box' in annotation ? { polygon: cornersOf(annotation.box) } : annotation;
}

/** CVAT's numbers of an ellipse: its middle, the x of its right-most and the y of its upper-most point before it is turned. */
export function ellipsePoints({ cx, cy, radiusX, radiusY }: Ellipse): [cx: number, cy: number, right: number, top: number] {
  return [cx, cy, cx + radiusX, cy - radiusY];
}

function cornersOf([x0 = 0, y0 = 0, x1 = 0, y1 = 0]: readonly number[]): Point[] {
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
}

/** Degrees clockwise on screen, where y goes down. */
function turned(points: readonly Point[], [cx, cy]: Point, degrees: number): Point[] {
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  return points.map(([x, y]): Point => [cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos]);
}

function pairs(points: readonly number[], least: number, kind: string): Point[] {
  if (points.length % 2 !== 0 || points.length < 2 * least || !points.every(Number.isFinite))
    throw invalid(kind, `expected pairs of x and y, at least ${least}, got ${points.length} values`);
  return Array.from({ length: points.length / 2 }, (_, i): Point => [points[2 * i] as number, points[2 * i + 1] as number]);
}

function invalid(kind: string, problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `CVAT ${kind}: ${problem}.`);
}
