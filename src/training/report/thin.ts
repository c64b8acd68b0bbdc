/** Fewer points for the same curve. */

export type Point = readonly [x: number, y: number];

/**
 * Points of a line, at most four per pixel column: the first, the lowest, the highest and the last, so that no spike is lost.
 * points: in pixels, in drawing order.
 */
export function thinLine(points: readonly Point[]): Point[] {
  const out: Point[] = [];
  for (let from = 0; from < points.length;) {
    const column = Math.round((points[from] as Point)[0]);
    let to = from + 1;
    while (to < points.length && Math.round((points[to] as Point)[0]) === column) to++;
    let [lowest, highest] = [from, from];
    for (let i = from; i < to; i++) {
      if ((points[i] as Point)[1] < (points[lowest] as Point)[1]) lowest = i;
      if ((points[i] as Point)[1] > (points[highest] as Point)[1]) highest = i;
    }
    const kept = [...new Set([from, lowest, highest, to - 1])].sort((a, b) => a - b);
    for (const i of kept) out.push(points[i] as Point);
    from = to;
  }
  return out;
}

/** One point for all that fall on the same pixel. */
export function thinCloud(points: readonly Point[]): Point[] {
  const seen = new Map<string, Point>();
  for (const point of points) {
    const key = `${Math.round(point[0])} ${Math.round(point[1])}`;
    if (!seen.has(key)) seen.set(key, point);
  }
  return [...seen.values()];
}
