/** A region somebody made, as the engine's annotation: pixels of the upright image instead of percent, a mask instead of runs. */
import { ProsamError } from '../../../core/common/errors.ts';
import { maskFromAlphaPng } from '../../../core/image/node/alpha-png.ts';
import type { Annotation } from '../../../core/mask/annotation.ts';
import { clippedClick, clippedCorner } from '../../../core/mask/coordinates.ts';
import { ellipseOutline } from '../../../core/mask/ellipse.ts';
import type { Point } from '../../../core/mask/raster.ts';
import { readDataAddress } from '../../http/images/base64-image.ts';
import { decodeBrushRle } from '../../../core/mask/brush-rle.ts';
import { CONTROL_KINDS, type ControlKind } from './label-config.ts';
import type { MlRegion } from './request-schemas.ts';

export interface RegionLimits {
  /** Largest mask. @default 100 million */
  maxPixels?: number;
  /** Largest PNG. @default 64 MiB */
  maxBytes?: number;
}

/** Kind of the control that made it, where it is one of those that are known. */
export function kindOfRegion({ type }: MlRegion): ControlKind | undefined {
  return CONTROL_KINDS.find((kind) => kind === type);
}

/** Labels it carries; none for regions without labels. */
export function labelsOfRegion(region: MlRegion): readonly string[] {
  const kind = kindOfRegion(region);
  return (kind === undefined ? undefined : region.value[kind]) ?? region.value.labels ?? [];
}

/** Width and height in pixels of the upright image. @throws ANNOTATION_INVALID, IMAGE_TOO_LARGE */
function sizeOfRegion({ original_width, original_height }: MlRegion, { maxPixels = 100_000_000 }: RegionLimits = {}) {
  if (original_width === undefined || original_height === undefined) throw invalid('expected original_width and original_height, got none');
  if (original_width * original_height <= maxPixels) return { width: original_width, height: original_height };
  throw new ProsamError(
    'IMAGE_TOO_LARGE',
    `Region: expected at most ${maxPixels} pixels, got ${original_width} x ${original_height}. Shrink the image or raise the limit.`,
  );
}

/**
 * Masks of brush and bitmask regions, outlines of polygons, ellipses and rectangles, which are finished labels here and no hints; undefined for all other regions
 * (keypoints are prompts: see pointOf). Strokes that are not yet a mask (drafts) are other regions.
 * @throws ANNOTATION_INVALID, MASK_SIZE_MISMATCH, IMAGE_TOO_LARGE
 */
export async function annotationOfRegion(
  region: MlRegion,
  limits: RegionLimits = {},
  signal?: AbortSignal,
): Promise<Annotation | undefined> {
  const { value } = region;
  const kind = kindOfRegion(region);
  if (kind === undefined || kind === 'keypointlabels') return undefined;
  const { width, height } = sizeOfRegion(region, limits);
  if (kind === 'brushlabels') {
    if (value.rle === undefined) return undefined;
    return { mask: await decodeBrushRle(value.rle, width, height, signal) };
  }
  if (kind === 'bitmasklabels') {
    if (value.imageDataURL === undefined) throw invalid('expected imageDataURL in a bitmask, got none');
    const bytes = readDataAddress(value.imageDataURL, limits.maxBytes ?? 64 * 2 ** 20);
    return { mask: await maskFromAlphaPng(bytes, width, height, limits) };
  }
  checkUpright(region);
  const ring = ringOf(kind, region, width, height);
  return { polygon: [ring.map((corner) => clippedCorner(corner, { width, height }))] };
}

/** Centre of a keypoint in pixels, inside the image. @throws ANNOTATION_INVALID */
export function pointOf(region: MlRegion, limits: RegionLimits = {}): Point {
  const { width, height } = sizeOfRegion(region, limits);
  checkUpright(region);
  const { x, y } = region.value;
  if (x === undefined || y === undefined) throw invalid('expected x and y of a point, got none');
  return clippedClick([(x / 100) * width, (y / 100) * height], { width, height });
}

/** Box around a rectangle in pixels, inside the image. @throws ANNOTATION_INVALID */
export function boxOf(region: MlRegion, limits: RegionLimits = {}): readonly [x0: number, y0: number, x1: number, y1: number] {
  const { width, height } = sizeOfRegion(region, limits);
  checkUpright(region);
  const ring = rectangle(region, width, height).map((corner) => clippedCorner(corner, { width, height }));
  const xs = ring.map(([x]) => x);
  const ys = ring.map(([, y]) => y);
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] as const;
  if (box[0] < box[2] && box[1] < box[3]) return box;
  throw invalid('expected a rectangle with an area inside the image, got one without');
}

function ringOf(kind: ControlKind, region: MlRegion, width: number, height: number): Point[] {
  if (kind === 'rectanglelabels') return rectangle(region, width, height);
  if (kind === 'ellipselabels') return ellipse(region, width, height);
  const points = region.value.points ?? [];
  if (points.length < 3) throw invalid(`expected a polygon of at least three corners, got ${points.length}`);
  return points.map(([x, y]) => [(x / 100) * width, (y / 100) * height]);
}

/** Corners clockwise; it is turned around its first one, in pixels. */
function rectangle({ value }: MlRegion, imageWidth: number, imageHeight: number): Point[] {
  const { x, y, width, height, rotation = 0 } = value;
  if (x === undefined || y === undefined || width === undefined || height === undefined)
    throw invalid('expected x, y, width and height of a rectangle, got less');
  const [left, top, across, down] = [
    (x / 100) * imageWidth,
    (y / 100) * imageHeight,
    (width / 100) * imageWidth,
    (height / 100) * imageHeight,
  ];
  const radians = (rotation * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const corner = (u: number, v: number): Point => [left + u * cos - v * sin, top + u * sin + v * cos];
  return [corner(0, 0), corner(across, 0), corner(across, down), corner(0, down)];
}

function ellipse({ value }: MlRegion, imageWidth: number, imageHeight: number): Point[] {
  const { x, y, radiusX, radiusY, rotation = 0 } = value;
  if (x === undefined || y === undefined || radiusX === undefined || radiusY === undefined)
    throw invalid('expected x, y, radiusX and radiusY of an ellipse, got less');
  return ellipseOutline({
    ...{ cx: (x / 100) * imageWidth, cy: (y / 100) * imageHeight },
    ...{ radiusX: (radiusX / 100) * imageWidth, radiusY: (radiusY / 100) * imageHeight, rotation },
  });
}

/** Brush masks stay as they are when the view is turned; which frame the corners of other regions are in then is not certain enough to learn from. */
function checkUpright({ image_rotation = 0 }: MlRegion): void {
  if (image_rotation % 360 === 0) return;
  throw invalid(`the image was turned by ${image_rotation} degrees while it was marked. Turn it back, or use a brush`);
}

function invalid(problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `Region: ${problem}.`);
}
