/** Checks of polygons that know nothing of how they are made: every pair of edges is looked at. */
import type { Point } from '../../../../src/core/mask/raster.ts';

/** Twice the area; positive when the ring runs clockwise on screen. */
export function twiceArea(ring: readonly Point[]): number {
  return ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length] as Point;
    return sum + x * nextY - nextX * y;
  }, 0);
}

const turn = ([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
const same = (a: Point, b: Point): boolean => a[0] === b[0] && a[1] === b[1];
const within = ([ax, ay]: Point, [bx, by]: Point, [x, y]: Point): boolean =>
  Math.min(ax, bx) <= x && x <= Math.max(ax, bx) && Math.min(ay, by) <= y && y <= Math.max(ay, by);

type Edge = readonly [Point, Point];

/** 'apart', 'corner' where both end in one point and share no other, or 'crossing' for all else. */
function meeting([a, b]: Edge, [c, d]: Edge): 'apart' | 'corner' | 'crossing' {
  const [atC, atD, atA, atB] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  const crossing = atC * atD < 0 && atA * atB < 0;
  const touching =
    (atC === 0 && within(a, b, c)) || (atD === 0 && within(a, b, d)) || (atA === 0 && within(c, d, a)) || (atB === 0 && within(c, d, b));
  if (!crossing && !touching) return 'apart';
  const ends = [same(a, c), same(a, d), same(b, c), same(b, d)].filter(Boolean).length;
  if (crossing || ends !== 1) return 'crossing';
  // On one line, edges that end in the same point may lie on each other.
  const p = same(a, c) || same(a, d) ? a : b;
  const [q, r] = [p === a ? b : a, same(c, p) ? d : c];
  const onEachOther = turn(p, q, r) === 0 && (q[0] - p[0]) * (r[0] - p[0]) + (q[1] - p[1]) * (r[1] - p[1]) > 0;
  return onEachOther ? 'crossing' : 'corner';
}

const edgesOf = (ring: readonly Point[]): Edge[] => ring.map((point, i) => [point, ring[(i + 1) % ring.length] as Point]);

/** Whether a ring has an area, and no edge meets another but at the corner between neighbours. */
export function isSimple(ring: readonly Point[]): boolean {
  const edges = edgesOf(ring);
  if (edges.length < 3 || twiceArea(ring) === 0) return false;
  return edges.every((one, i) =>
    edges.every((other, j) => {
      if (j <= i) return true;
      const neighbours = j === i + 1 || (i === 0 && j === edges.length - 1);
      return meeting(one, other) === (neighbours ? 'corner' : 'apart');
    }),
  );
}

/** Whether rings cross nowhere; they may meet in corners. */
export function areApart(one: readonly Point[], other: readonly Point[]): boolean {
  return edgesOf(one).every((edge) => edgesOf(other).every((opposite) => meeting(edge, opposite) !== 'crossing'));
}
