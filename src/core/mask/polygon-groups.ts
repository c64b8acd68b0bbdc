/** Rings sorted into regions: each outer ring with the holes inside it. */
import type { BinaryMask } from './label-reduction.ts';
import { runStepsSync, runSteps, PAUSE_AFTER, type Steps } from './cooperative.ts';
import { ringSteps, simplifyRingSteps } from './polygon.ts';
import type { Point } from './raster.ts';

/** One region without gaps. */
export interface PolygonWithHoles {
  /** Corners in pixels, first not repeated. */
  exterior: Point[];
  /** Rings inside it that are not part of it. */
  holes: Point[][];
}

/** Twice the signed area; positive for rings that run clockwise on screen. */
function signedArea(ring: readonly Point[]): number {
  return ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length] as Point;
    return sum + x * nextY - nextX * y;
  }, 0);
}

function contains(ring: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  ring.forEach(([ax, ay], i) => {
    const [bx, by] = ring[(i + 1) % ring.length] as Point;
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  });
  return inside;
}

/**
 * Outlines of a mask with their holes, traced a few milliseconds at a time, so that others on this thread get their turns between.
 * tolerance: pixels an outline may deviate; 0, the default, keeps every corner. signal: rejects with its reason once it aborts.
 */
export function polygonsFromMask(
  mask: BinaryMask,
  { tolerance = 0, signal }: { tolerance?: number; signal?: AbortSignal | undefined } = {},
): Promise<PolygonWithHoles[]> {
  return runSteps(polygonSteps(mask, tolerance), signal);
}

/** The same at once, during which the thread does nothing else. */
export function polygonsFromMaskSync(mask: BinaryMask, { tolerance = 0 }: { tolerance?: number } = {}): PolygonWithHoles[] {
  return runStepsSync(polygonSteps(mask, tolerance));
}

export function* polygonSteps(mask: BinaryMask, tolerance = 0): Steps<PolygonWithHoles[]> {
  const rings: { ring: Point[]; area: number; box: Box }[] = [];
  let unpaused = 0;
  for (const ring of yield* ringSteps(mask)) {
    rings.push({ ring, area: signedArea(ring), box: boxAround(ring) });
    unpaused += ring.length;
    if (unpaused >= PAUSE_AFTER) {
      unpaused = 0;
      yield;
    }
  }
  const outer = rings
    .filter(({ area }) => area > 0)
    .sort((a, b) => a.area - b.area)
    .map((ring) => ({ ...ring, holes: [] as Point[][] }));
  for (const { ring, area, box } of rings) {
    if (area > 0) continue;
    // Tracing begins to the right along a region's upper edge: this is the centre of a pixel of the region around the hole.
    const [cornerX, cornerY] = ring[0] as Point;
    const within: Point = [cornerX - 0.5, cornerY + 0.5];
    // The smallest ring around that pixel is its region's.
    for (const owner of outer) {
      const candidate = encloses(owner.box, box);
      unpaused += candidate ? owner.ring.length : 1;
      if (unpaused >= PAUSE_AFTER) {
        unpaused = 0;
        yield;
      }
      if (!candidate || !contains(owner.ring, within)) continue;
      owner.holes.push(ring);
      break;
    }
  }
  const polygons: PolygonWithHoles[] = [];
  for (const { ring, holes } of outer) {
    const polygon: PolygonWithHoles = { exterior: yield* simplifyRingSteps(ring, tolerance), holes: [] };
    for (const hole of holes) polygon.holes.push(yield* simplifyRingSteps(hole, tolerance));
    polygons.push(polygon);
  }
  return polygons;
}

type Box = readonly [x0: number, y0: number, x1: number, y1: number];

function boxAround(ring: readonly Point[]): Box {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of ring) [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  return [x0, y0, x1, y1];
}

function encloses(outer: Box, inner: Box): boolean {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
}
