/**
 * CVAT's own rules for what functions answer, written after what its versions were seen to do: the browser's, which makes a drawing of an
 * interactor's answer, and the server's, which moves answers about a region of interest, and stores what detectors and trackers found.
 */
import { maskFromAnnotation } from '../../../../src/core/mask/draw-annotation.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import type { Point } from '../../../../src/core/mask/raster.ts';

export interface Size {
  width: number;
  height: number;
}
/** Left, top, right, bottom in whole pixels; right and bottom are not included. */
export type Roi = readonly [left: number, top: number, right: number, bottom: number];

interface MaskShape {
  type: string;
  points: number[];
  attributes?: unknown[];
}
export interface InteractorResponse {
  mask?: number[][];
  bounds?: number[];
  points?: number[][];
  shapes?: MaskShape[];
}

/** "2.64.1-alpha" -> 2064. */
export function minorOf(version: string): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return 1000 * Number(major) + Number(minor);
}

/** On the canvas of this version of CVAT. @throws where the browser would, and where it would draw outside of the image */
export function drawnByBrowser(response: InteractorResponse, version: string, size: Size): BinaryMask {
  const drawing = blank(size);
  if (minorOf(version) < 2060) {
    const { mask, bounds, points } = response;
    if (mask?.[0] === undefined) throw new TypeError("Cannot read properties of undefined (reading '0')");
    const marked = mask.some((row) => row.some((value) => value !== 0));
    // Without points the browser has OpenCV look for them, which finds none in an empty mask.
    if (points === undefined && !marked) throw new TypeError("Cannot read properties of undefined (reading 'length')");
    if (points?.length === 0) return drawing;
    paint(drawing, [...runsOf(mask.flat()), ...(bounds ?? [0, 0, mask[0].length - 1, mask.length - 1])]);
    return drawing;
  }
  if (response.mask !== undefined) {
    const { mask } = response;
    // Whatever `bounds` and `shapes` say.
    const runs = runsOf(mask.flat());
    if (runs.length > 1) paint(drawing, [...runs, 0, 0, (mask[0]?.length ?? 0) - 1, mask.length - 1]);
    return drawing;
  }
  if (!Array.isArray(response.shapes)) throw new TypeError('response.shapes is not iterable');
  for (const { type, points, attributes } of response.shapes) {
    if (type !== 'mask') throw new Error(`a ${type} is not drawn`);
    if (attributes !== undefined && !attributes.every(isAttribute)) throw new Error('attributes that are dropped');
    paint(drawing, points);
  }
  return drawing;
}

/** What the server makes of an answer about a region, before the browser sees it (2.70 and later). @throws what becomes a 500 */
export function pastedByServer(response: InteractorResponse, roi: Roi, { width, height }: Size): InteractorResponse {
  const [left, top, right, bottom] = roi;
  const pasted = { ...response };
  if (response.mask !== undefined) {
    const rows = response.mask;
    if (rows.length !== bottom - top || rows.some((row) => row.length !== right - left))
      throw new Error(`could not broadcast input array from shape (${rows.length},${rows[0]?.length}) into the region ${roi.join()}`);
    const full = Array.from({ length: height }, () => new Array<number>(width).fill(0));
    rows.forEach((row, y) => row.forEach((value, x) => ((full[top + y] as number[])[left + x] = value)));
    pasted.mask = full;
  }
  if (response.shapes !== undefined) pasted.shapes = response.shapes.map((shape) => movedBy(shape, left, top));
  return pasted;
}

export interface Detected {
  label: string;
  type: string;
  points?: number[];
  mask?: number[];
  attributes?: unknown[];
}

/** Shapes that the server stores of a detector's answer. @throws what fails the frame, and a bitmap that does not fill its box, which CVAT would take */
export function storedByServer(
  response: unknown,
  { labels, convMaskToPoly = false, roi }: { labels: readonly string[]; convMaskToPoly?: boolean; roi?: Roi },
): { label: string; type: string; points: number[] }[] {
  if (!Array.isArray(response)) throw new Error('a detector answers a list');
  return (response as Detected[]).flatMap(({ label, type, points, mask }) => {
    if (!labels.includes(label)) return [];
    const shape = { label, type, points: points ?? [] };
    if (type === 'mask' && points !== undefined && convMaskToPoly) shape.type = 'polygon';
    else if (type === 'mask') {
      const box = mask?.slice(-4) as [number, number, number, number];
      const bitmap = mask?.slice(0, -4) ?? [];
      if (bitmap.length !== (box[2] - box[0] + 1) * (box[3] - box[1] + 1)) throw new Error('a bitmap of another size than its box');
      shape.points = [...runsOf(bitmap), ...box];
    }
    if (shape.type === 'polygon' && (shape.points.length < 6 || shape.points.length % 2 !== 0))
      throw new Error('400: a polygon of three points');
    return [roi ? movedBy(shape, roi[0], roi[1]) : shape];
  });
}

/** One shape for each state, of the type that was sent, or null (2.40 and later); before, lists of four numbers or what was sent. */
export function checkTracked(
  response: unknown,
  sent: readonly unknown[],
  version: string,
): asserts response is { shapes: unknown[]; states: unknown[] } {
  const { shapes, states } = response as { shapes: unknown[]; states: unknown[] };
  if (shapes.length !== sent.length || states.length !== sent.length) throw new Error('one shape and one state for each object');
  shapes.forEach((shape, i) => {
    const before = sent[i];
    if (shape === null) {
      if (minorOf(version) < 2040) throw new TypeError('null has no points');
    } else if (Array.isArray(before)) {
      if (!Array.isArray(shape) || shape.length !== 4 || !shape.every(Number.isFinite)) throw new Error('four numbers');
    } else if ((shape as MaskShape).type !== (before as MaskShape).type) throw new Error('a shape of another type');
  });
}

/** The pixels of a shape as CVAT keeps it. @throws for runs that do not fill their box, and a box outside of the image */
export function pixelsOf({ type, points }: { type: string; points: readonly number[] }, size: Size): BinaryMask {
  if (type === 'mask') {
    const drawing = blank(size);
    paint(drawing, points);
    return drawing;
  }
  if (type === 'polygon') {
    const ring = Array.from({ length: points.length / 2 }, (_, i): Point => [points[2 * i] as number, points[2 * i + 1] as number]);
    return maskFromAnnotation({ polygon: [ring] }, size.width, size.height);
  }
  throw new Error(`no pixels of a ${type}`);
}

export function blank({ width, height }: Size): BinaryMask {
  return { data: new Uint8Array(width * height), width, height };
}

/** Background first. */
function runsOf(bitmap: readonly number[]): number[] {
  const runs = bitmap[0] === 0 ? [] : [0];
  bitmap.forEach((value, i) => {
    if (i > 0 && (value === 0) === (bitmap[i - 1] === 0)) (runs[runs.length - 1] as number)++;
    else runs.push(1);
  });
  return runs;
}

function paint({ data, width, height }: BinaryMask, points: readonly number[]): void {
  const [left, top, right, bottom] = points.slice(-4) as [number, number, number, number];
  if (!points.every((value) => Number.isSafeInteger(value) && value >= 0))
    throw new Error(`whole numbers, got ${points.slice(0, 20).join()}`);
  if (left > right || top > bottom || right >= width || bottom >= height)
    throw new Error(`a box in ${width} x ${height}, got ${points.slice(-4).join()}`);
  const columns = right - left + 1;
  let at = 0;
  points.slice(0, -4).forEach((run, i) => {
    if (i % 2 === 1) for (let n = at; n < at + run; n++) data[(top + Math.floor(n / columns)) * width + left + (n % columns)] = 1;
    at += run;
  });
  if (at !== columns * (bottom - top + 1)) throw new Error(`runs that fill ${columns} x ${bottom - top + 1} pixels, got ${at}`);
}

/** As the server moves shapes found in a region to their place in the frame: of masks the box alone. */
export function movedBy<T extends { type: string; points: number[] }>(shape: T, dx: number, dy: number): T {
  const from = shape.type === 'mask' ? shape.points.length - 4 : 0;
  return { ...shape, points: shape.points.map((value, i) => (i < from ? value : value + ((i - from) % 2 === 0 ? dx : dy))) };
}

function isAttribute(one: unknown): boolean {
  const { spec_id, value } = one as { spec_id?: unknown; value?: unknown };
  return typeof spec_id === 'number' && typeof value === 'string';
}
