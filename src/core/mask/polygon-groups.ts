/** Outlines of masks as polygons: one a region, with its holes. */
import { ProsamError } from '../common/errors.ts';
import type { BinaryMask } from './label-reduction.ts';
import { runStepsSync, runSteps, PAUSE_AFTER, type Steps } from './cooperative.ts';
import { simplifySteps } from './outline/simplify.ts';
import { slitSteps } from './outline/slits.ts';
import { outlineSteps, type Outline } from './outline/spans.ts';
import { traceSteps } from './polygon.ts';
import type { Point } from './raster.ts';

/** One region without gaps. */
export interface PolygonWithHoles {
  /** Corners in pixels, clockwise as seen on screen, first not repeated. The ring neither touches nor crosses itself. */
  exterior: Point[];
  /** Rings inside it that are not part of it, the other way round. They may share a corner with the exterior, and cross nothing. */
  holes: Point[][];
}

/** Pixels an outline may deviate, where nobody says otherwise. */
export const DEFAULT_TOLERANCE = 1;
/** Largest deviation that may be asked for, in pixels. */
export const MAX_TOLERANCE = 100;

export const HOLE_FORMS = ['rings', 'slits'] as const;
export type HoleForm = (typeof HOLE_FORMS)[number];

export interface PolygonOptions {
  /**
   * Pixels an outline may deviate; 0 keeps every corner. Outlines deviate less where more would change a region: its polygon's IoU with
   * it is 0.95 at least, whatever the tolerance, and polygons stay simple and apart.
   * @default 0
   */
  tolerance?: number;
  /** 'rings' lists holes beside the exterior; 'slits' leads the exterior through them along slits of a fiftieth of a pixel. @default 'rings' */
  holes?: HoleForm;
}

/**
 * Outlines of a mask with their holes, traced a few milliseconds at a time, so that others on this thread get their turns between.
 * Smallest region first. signal: rejects with its reason once it aborts.
 * @throws OPTION_INVALID
 */
export function polygonsFromMask(
  mask: BinaryMask,
  { signal, ...options }: PolygonOptions & { signal?: AbortSignal | undefined } = {},
): Promise<PolygonWithHoles[]> {
  return runSteps(polygonSteps(mask, options), signal);
}

/** The same at once, during which the thread does nothing else. @throws OPTION_INVALID */
export function polygonsFromMaskSync(mask: BinaryMask, options: PolygonOptions = {}): PolygonWithHoles[] {
  return runStepsSync(polygonSteps(mask, options));
}

export function* polygonSteps(mask: BinaryMask, { tolerance = 0, holes = 'rings' }: PolygonOptions = {}): Steps<PolygonWithHoles[]> {
  checkOptions(tolerance, holes);
  const outline = yield* outlineSteps(yield* traceSteps(mask));
  const { rings } = outline;
  const hasHoles = rings.some(({ hole }) => hole);
  const simplified = tolerance > 0 || (holes === 'slits' && hasHoles);
  const grid = simplified ? yield* simplifySteps(outline, tolerance, mask.width, mask.height) : undefined;
  const joined = holes === 'slits' && grid !== undefined ? yield* slitSteps(outline, grid, mask.width) : undefined;
  const polygons: { polygon: PolygonWithHoles; area: number }[] = [];
  let unpaused = 0;
  const pause = function* (points: readonly Point[]): Steps<void> {
    unpaused += 1 + points.length;
    if (unpaused < PAUSE_AFTER) return;
    unpaused = 0;
    yield;
  };
  for (const [ring, { hole, region, signedArea }] of rings.entries()) {
    if (hole) continue;
    const exterior = joined?.get(region) ?? keptOf(outline, ring);
    polygons[region] = { polygon: { exterior, holes: [] }, area: signedArea };
    yield* pause(exterior);
  }
  if (joined === undefined) {
    for (const [ring, { hole, region }] of rings.entries()) {
      if (!hole) continue;
      const points = keptOf(outline, ring);
      polygons[region]?.polygon.holes.push(points);
      yield* pause(points);
    }
  }
  return polygons.sort((one, other) => one.area - other.area).map(({ polygon }) => polygon);
}

function checkOptions(tolerance: number, holes: string): void {
  if (!(tolerance >= 0 && tolerance <= MAX_TOLERANCE))
    throw new ProsamError(
      'OPTION_INVALID',
      `tolerance: expected pixels from 0 to ${MAX_TOLERANCE}, got ${tolerance}. 0 keeps every corner, ${DEFAULT_TOLERANCE} is usual.`,
    );
  if (!(HOLE_FORMS as readonly string[]).includes(holes))
    throw new ProsamError('OPTION_INVALID', `holes: expected one of ${HOLE_FORMS.join(', ')}, got ${JSON.stringify(holes)}.`);
}

function keptOf({ starts, next, xs, ys }: Outline, ring: number): Point[] {
  const start = starts[ring] as number;
  const points: Point[] = [];
  let at = start;
  do {
    points.push([xs[at] as number, ys[at] as number]);
    at = next[at] as number;
  } while (at !== start);
  return points;
}
