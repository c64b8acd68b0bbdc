/** Ellipses: fitted to masks, and as outlines. */
import { PAUSE_AFTER, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';
import type { Point } from './raster.ts';

/** Lengths in pixels. */
export interface Ellipse {
  cx: number;
  cy: number;
  /** Half axes, along the image's x and y before it is turned. */
  radiusX: number;
  radiusY: number;
  /** Degrees clockwise around the middle, 0 to 360. */
  rotation: number;
}

export interface EllipseOptions {
  /** Upper left corner of the mask in the image. @default [0, 0] */
  at?: readonly [x: number, y: number, ...rest: number[]];
  /** Size of the image, which neither end of an axis leaves before it is turned. */
  within: { width: number; height: number };
  /** False: its axes are those of the image, for readers that know no rotation. @default true */
  turned?: boolean;
}

/** Degrees within which an ellipse is taken for one that is not turned. */
const LEVEL_DEGREES = 0.5;
/** Corners that stand for an ellipse: less than a pixel off up to some 400 pixels across. */
const CORNERS = 64;

/**
 * The ellipse with the middle and the second moments of the marked pixels: of a filled ellipse that is the ellipse itself. undefined for a
 * mask without pixels.
 */
export function* ellipseSteps(mask: BinaryMask, { at = [0, 0], within, turned = true }: EllipseOptions): Steps<Ellipse | undefined> {
  let [area, sumX, sumY, sumXx, sumYy, sumXy] = [0, 0, 0, 0, 0, 0];
  let unpaused = 0;
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if (mask.data[y * mask.width + x] === 0) continue;
      area++;
      sumX += x;
      sumY += y;
      sumXx += x * x;
      sumYy += y * y;
      sumXy += x * y;
    }
    unpaused += mask.width;
    if (unpaused >= PAUSE_AFTER) {
      unpaused = 0;
      yield;
    }
  }
  if (area === 0) return undefined;
  const [meanX, meanY] = [sumX / area, sumY / area];
  // A pixel is a square of side 1, not a point.
  const xx = sumXx / area - meanX * meanX + 1 / 12;
  const yy = sumYy / area - meanY * meanY + 1 / 12;
  const xy = sumXy / area - meanX * meanY;
  const [cx, cy] = [at[0] + meanX + 0.5, at[1] + meanY + 0.5];
  // The axis nearest to the image's x axis: at most 45 degrees away.
  let angle = turned && xy !== 0 ? Math.atan2(2 * xy, xx - yy) / 2 : 0;
  if (angle > Math.PI / 4) angle -= Math.PI / 2;
  else if (angle < -Math.PI / 4) angle += Math.PI / 2;
  const degrees = (angle * 180) / Math.PI;
  if (Math.abs(degrees) < LEVEL_DEGREES) angle = 0;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const along = cos * cos * xx + 2 * cos * sin * xy + sin * sin * yy;
  const across = sin * sin * xx - 2 * cos * sin * xy + cos * cos * yy;
  // Of a filled ellipse the variance along an axis is a quarter of the half axis squared.
  const radiusX = Math.min(within.width - cx, 2 * Math.sqrt(along));
  const radiusY = Math.min(cy, 2 * Math.sqrt(across));
  return { cx, cy, radiusX, radiusY, rotation: angle === 0 ? 0 : (degrees + 360) % 360 };
}

/** Corners of its outline, clockwise; they may lie outside of the image. */
export function ellipseOutline({ cx, cy, radiusX, radiusY, rotation }: Ellipse): Point[] {
  const radians = (rotation * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return Array.from({ length: CORNERS }, (_, i): Point => {
    const angle = (2 * Math.PI * i) / CORNERS;
    const [u, v] = [radiusX * Math.cos(angle), radiusY * Math.sin(angle)];
    return [cx + u * cos - v * sin, cy + u * sin + v * cos];
  });
}
