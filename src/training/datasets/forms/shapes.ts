/** Shapes as annotation tools keep them, drawn as label maps. */
import { PAUSE_AFTER_PLAIN, runSteps, type Steps } from '../../../core/mask/cooperative.ts';
import type { BinaryMask } from '../../../core/mask/label-reduction.ts';
import { emptyMask, fillPolygonSteps, type Point } from '../../../core/mask/raster.ts';
import { cocoRleFromMask, drawCocoRleSteps, type CompressedRle } from '../../../core/mask/rle.ts';
import { IGNORE_LABEL, type LabelMap } from '../../types.ts';

/** Closed ring of x, y in pixels of the upright image, one after the other. */
export type FlatRing = Float64Array;

export interface Shape {
  /** Number of its label, as the reader counts them. */
  label: number;
  /** Pixels count as nothing, below everything else: a box where an outline is missing, a crowd. */
  ignored?: boolean;
  /** Shapes with a higher one lie above; within one, smaller shapes lie above larger ones. @default 0 */
  order?: number;
  area: number;
  /** Rings are united: parts of an object may overlap, and an overlap is no hole. */
  rings?: readonly FlatRing[];
  /** Mask of the image's size. */
  rle?: CompressedRle;
}

export function ringArea(ring: FlatRing): number {
  let twice = 0;
  for (let i = 0, last = ring.length - 2; i < ring.length; last = i, i += 2)
    twice += (ring[last] as number) * (ring[i + 1] as number) - (ring[i] as number) * (ring[last + 1] as number);
  return Math.abs(twice) / 2;
}

/** Area that rings cover within an image, at most: their own, and that of their box cut to the image. */
export function areaWithin(rings: readonly FlatRing[], width: number, height: number): number {
  let sum = 0;
  for (const ring of rings) {
    const [x0, y0, x1, y1] = boundsOf(ring);
    const box = Math.max(0, Math.min(x1, width) - Math.max(x0, 0)) * Math.max(0, Math.min(y1, height) - Math.max(y0, 0));
    sum += Math.min(ringArea(ring), box);
  }
  return sum;
}

export function boundsOf(ring: ArrayLike<number>): [x0: number, y0: number, x1: number, y1: number] {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i + 1 < ring.length; i += 2) {
    x0 = Math.min(x0, ring[i] as number);
    x1 = Math.max(x1, ring[i] as number);
    y0 = Math.min(y0, ring[i + 1] as number);
    y1 = Math.max(y1, ring[i + 1] as number);
  }
  return [x0, y0, x1, y1];
}

/** Numbers, or pairs of them, as a ring; undefined for fewer than three corners, 'not a number' where one is none. */
export function ringFrom(value: readonly unknown[], scaleX = 1, scaleY = 1): FlatRing | 'not a number' | undefined {
  const numbers = Array.isArray(value[0]) ? value.flat() : value;
  if (numbers.length < 6 || numbers.length % 2 === 1) return undefined;
  const ring = new Float64Array(numbers.length);
  for (let i = 0; i < ring.length; i++) {
    const number = numbers[i];
    if (typeof number !== 'number' || !Number.isFinite(number)) return 'not a number';
    ring[i] = number * (i % 2 === 0 ? scaleX : scaleY);
  }
  return ring;
}

/** Corners clockwise, turned around a point by so many degrees. */
export function boxRing(
  [x0, y0, x1, y1]: readonly [number, number, number, number],
  degrees = 0,
  [px, py]: Point = [(x0 + x1) / 2, (y0 + y1) / 2],
): FlatRing {
  return turned(Float64Array.of(x0, y0, x1, y0, x1, y1, x0, y1), degrees, [px, py]);
}

/** Corners of the outline that an ellipse is read as. */
const ELLIPSE_CORNERS = 64;

export function ellipseRing([cx, cy]: Point, rx: number, ry: number, degrees = 0): FlatRing {
  const ring = new Float64Array(2 * ELLIPSE_CORNERS);
  for (let i = 0; i < ELLIPSE_CORNERS; i++) {
    const angle = (2 * Math.PI * i) / ELLIPSE_CORNERS;
    ring[2 * i] = cx + rx * Math.cos(angle);
    ring[2 * i + 1] = cy + ry * Math.sin(angle);
  }
  return turned(ring, degrees, [cx, cy]);
}

function turned(ring: FlatRing, degrees: number, [px, py]: Point): FlatRing {
  if (degrees === 0) return ring;
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return ring.map((value, i) => {
    const [u, v] = i % 2 === 0 ? [value - px, (ring[i + 1] as number) - py] : [(ring[i - 1] as number) - px, value - py];
    return i % 2 === 0 ? px + u * cos - v * sin : py + u * sin + v * cos;
  });
}

/** A bitmap kept as run lengths, so that the masks of a whole data set fit in memory. */
export async function bitmap(mask: BinaryMask): Promise<{ area: number; rle: CompressedRle }> {
  let area = 0;
  for (const value of mask.data) if (value !== 0) area++;
  return { area, rle: await cocoRleFromMask(mask) };
}

/** valueOf: class id of a label; undefined for labels that are not used. -> label map of the image's size */
export async function drawShapes(
  shapes: readonly Shape[],
  width: number,
  height: number,
  valueOf: (label: number) => number | undefined,
): Promise<LabelMap> {
  return runSteps(drawingSteps(shapes, width, height, valueOf));
}

function* drawingSteps(
  shapes: readonly Shape[],
  width: number,
  height: number,
  valueOf: (label: number) => number | undefined,
): Steps<LabelMap> {
  const below = [...shapes].sort(
    (a, b) => Number(b.ignored === true) - Number(a.ignored === true) || (a.order ?? 0) - (b.order ?? 0) || b.area - a.area,
  );
  const labels = new Uint8Array(width * height);
  const scratch = emptyMask(width, height);
  for (const { label, ignored, rings, rle } of below) {
    const value = ignored ? IGNORE_LABEL : valueOf(label);
    if (value === undefined) continue;
    for (const ring of rings ?? []) yield* fillPolygonSteps(scratch, [pointsOf(ring)]);
    if (rle) yield* drawCocoRleSteps(scratch, rle);
    const [from, to] = rle ? [0, height] : rowsOf(rings ?? [], height);
    for (let start = from * width; start < to * width; start += PAUSE_AFTER_PLAIN) {
      const end = Math.min(to * width, start + PAUSE_AFTER_PLAIN);
      for (let at = start; at < end; at++) if (scratch.data[at] !== 0) labels[at] = value;
      scratch.data.fill(0, start, end);
      yield;
    }
  }
  return { data: labels, width, height };
}

function pointsOf(ring: FlatRing): Point[] {
  return Array.from({ length: ring.length / 2 }, (_, i): Point => [ring[2 * i] as number, ring[2 * i + 1] as number]);
}

function rowsOf(rings: readonly FlatRing[], height: number): [from: number, to: number] {
  let [from, to] = [height, 0];
  for (const ring of rings) {
    const [, y0, , y1] = boundsOf(ring);
    from = Math.min(from, Math.max(0, Math.floor(y0)));
    to = Math.max(to, Math.min(height, Math.ceil(y1) + 1));
  }
  return [from, Math.max(from, to)];
}
