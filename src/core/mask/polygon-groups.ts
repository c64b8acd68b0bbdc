/** Rings sorted into regions: each outer ring with the holes inside it. */
import type { BinaryMask } from './label-reduction.ts';
import { ringsFromMask, simplifyRing } from './polygon.ts';
import type { Point } from './raster.ts';

/** One region without gaps. */
export interface PolygonWithHoles {
  /** Corners in pixels, first not repeated. */
  exterior: Point[];
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

/** tolerance: pixels an outline may deviate; 0 keeps every corner. */
export function polygonsFromMask(mask: BinaryMask, tolerance = 0): PolygonWithHoles[] {
  const rings = ringsFromMask(mask);
  const outer = rings.filter((ring) => signedArea(ring) > 0).sort((a, b) => signedArea(a) - signedArea(b));
  const holesOf = new Map(outer.map((ring) => [ring, [] as Point[][]]));
  for (const hole of rings) {
    if (signedArea(hole) > 0) continue;
    // A point just off the hole's first corner, inside a pixel of the surrounding region: the smallest ring around it owns the hole.
    const owner = outer.find((ring) =>
      hole.every((corner) => contains(ring, corner) || ring.some(([x, y]) => x === corner[0] && y === corner[1])),
    );
    if (owner) holesOf.get(owner)?.push(hole);
  }
  return outer.map((ring) => ({
    exterior: simplifyRing(ring, tolerance),
    holes: (holesOf.get(ring) ?? []).map((hole) => simplifyRing(hole, tolerance)),
  }));
}
