/**
 * Coordinates as people give them, brought to pixels of the upright image: shares of its sides and percent are scaled, what lies a
 * hair outside is clipped, what lies farther out is refused. One rule for programs, the command line, HTTP and the adapters.
 */
import { ProsamError } from '../common/errors.ts';
import type { Notice } from '../common/notice.ts';
import type { Box, DrawnAnnotation } from './annotation.ts';
import type { Point } from './raster.ts';
import { UNITS, type Units } from './units.ts';

/** Pixels that a coordinate may lie outside the image: what rounding, other origins and inclusive corners leave. */
const SLACK_PIXELS = 1;

interface Size {
  width: number;
  height: number;
}

const within = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/** Corner of a shape or end of a stroke, on the image or its border. */
export function clippedCorner([x, y]: Point, { width, height }: Size): Point {
  return [within(x, width), within(y, height)];
}

/** Point that stands for a pixel: one beyond the image, or on its far border, becomes the middle of the nearest pixel. */
export function clippedClick([x, y]: Point, { width, height }: Size): Point {
  return [x < 0 ? 0.5 : x >= width ? width - 0.5 : x, y < 0 ? 0.5 : y >= height ? height - 0.5 : y];
}

/** Units of each number of a coordinate: what 1 stands for, in pixels. */
function scaleOf(units: Units | undefined, { width, height }: Size): Point {
  if (units === 'fraction') return [width, height];
  return units === 'percent' ? [width / 100, height / 100] : [1, 1];
}

/** @throws ANNOTATION_OUTSIDE for points that lie more than SLACK_PIXELS outside */
function placed(points: readonly Point[], kind: string, units: Units | undefined, size: Size): Point[] {
  const [acrossX, acrossY] = scaleOf(units, size);
  const fit = kind === 'point' ? clippedClick : clippedCorner;
  return points.map(([givenX, givenY]) => {
    const [x, y] = [givenX * acrossX, givenY * acrossY];
    const inside = x >= -SLACK_PIXELS && y >= -SLACK_PIXELS && x <= size.width + SLACK_PIXELS && y <= size.height + SLACK_PIXELS;
    if (inside) return fit([x, y], size);
    throw outside(`${kind} at (${givenX}, ${givenY})`, units, size);
  });
}

function outside(what: string, units: Units | undefined, { width, height }: Size): ProsamError {
  const expected = units === 'fraction' ? ' (0 to 1)' : units === 'percent' ? ' (0 to 100 percent)' : '';
  const advice =
    units === undefined || units === 'pixels'
      ? `Coordinates are pixels of the upright image; units says otherwise (${UNITS.join(', ')}).`
      : `The units are ${units}; leave them out for pixels.`;
  return new ProsamError(
    'ANNOTATION_OUTSIDE',
    `expected an annotation inside the image of ${width} x ${height} pixels${expected}, up to ${SLACK_PIXELS} pixel outside is clipped, got a ${what}. ${advice}`,
  );
}

/** Coordinates of an annotation, if it has any. */
function pathsOf(annotation: DrawnAnnotation): readonly (readonly Point[])[] {
  if ('mask' in annotation) return [];
  switch (annotation.kind) {
    case 'points':
      return [annotation.points, annotation.negative];
    case 'box':
      return [cornersOf(annotation.box)];
    case 'polygon':
      return annotation.rings;
    case 'scribble':
      return annotation.strokes;
    case 'rle':
      return [];
  }
}

const cornersOf = ([x0, y0, x1, y1]: Box): [Point, Point] => [
  [x0, y0],
  [x1, y1],
];

/** Annotation in pixels inside the image; one that was fitted is the same again. @throws ANNOTATION_OUTSIDE */
export function fittedAnnotation(annotation: DrawnAnnotation, size: Size): DrawnAnnotation {
  if ('mask' in annotation || annotation.kind === 'rle') return annotation;
  const { units, ...rest } = annotation;
  const at = (points: readonly Point[], kind: string): Point[] => placed(points, kind, units, size);
  switch (rest.kind) {
    case 'points':
      return { ...rest, points: at(rest.points, 'point'), negative: at(rest.negative, 'point'), units: 'pixels' };
    case 'box':
      return { ...rest, box: fittedBox(rest.box, units, size), units: 'pixels' };
    case 'polygon':
      return { ...rest, rings: rest.rings.map((ring) => at(ring, 'polygon')), units: 'pixels' };
    case 'scribble':
      return { ...rest, strokes: rest.strokes.map((stroke) => at(stroke, 'scribble')), units: 'pixels' };
  }
}

/** @throws ANNOTATION_OUTSIDE */
export function fittedBox(box: Box, units: Units | undefined, size: Size): Box {
  const [acrossX, acrossY] = scaleOf(units, size);
  const corners = cornersOf(box).map(([x, y]): Point => [x * acrossX, y * acrossY]);
  const [low, high] = corners as [Point, Point];
  const leaves =
    low[0] < -SLACK_PIXELS || low[1] < -SLACK_PIXELS || high[0] > size.width + SLACK_PIXELS || high[1] > size.height + SLACK_PIXELS;
  if (leaves) throw outside(`box (${box.join(', ')})`, units, size);
  return [...clippedCorner(low, size), ...clippedCorner(high, size)] as unknown as Box;
}

/** Clicks in pixels inside the image. @throws ANNOTATION_OUTSIDE */
export function fittedClicks(points: readonly Point[], units: Units | undefined, size: Size): Point[] {
  return placed(points, 'point', units, size);
}

/** Images of so few pixels a side leave no doubt. */
const SMALL = 2;

/** Notices about coordinates that were taken as pixels although all of them are 0 to 1, on an image that is larger. */
export function coordinateNotices(annotation: DrawnAnnotation, size: Size): Notice[] {
  const units = 'units' in annotation ? annotation.units : undefined;
  return units === undefined ? tinyCoordinates(pathsOf(annotation).flat(), annotation.kind, size) : [];
}

/** The same for prompts. */
export function tinyCoordinates(points: readonly Point[], kind: string, { width, height }: Size): Notice[] {
  const tiny = points.length > 0 && points.every((point) => point.every((value) => value >= 0 && value <= 1));
  if (!tiny || Math.max(width, height) <= SMALL) return [];
  const message =
    `every coordinate of the ${kind} is between 0 and 1, which is the first pixel of an image of ${width} x ${height}: they were read as pixels. ` +
    "For shares of the image's sides say so: units 'fraction' (--units fraction), or units 'pixels' where the first pixel is meant.";
  return [{ code: 'COORDINATES_TINY', message }];
}
