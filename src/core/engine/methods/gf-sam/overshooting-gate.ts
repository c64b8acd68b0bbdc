/** Overshooting gate: a cluster stays where at least half of its points resemble its own masks more than those of any other cluster nearby. */
import { membersOf } from './clusters.ts';
import { meanCosine } from './maps.ts';
import type { GridPoint } from './points.ts';
import type { UnitCells } from './unit-cells.ts';

export interface OvershootingGate {
  /** Resemblance of every point to every cluster, over its distance from it in cells. [clusters][P] */
  pull: Float64Array[];
  /** 1 for points of a cluster that stays, where the point itself agrees. */
  agrees: Uint8Array;
}

/** regions: share of every cell that each cluster's masks cover together, 0..1. [clusters][N] */
export function overshootingGate(
  target: UnitCells,
  regions: readonly ArrayLike<number>[],
  points: readonly GridPoint[],
  clusters: Int32Array,
): OvershootingGate {
  const members = membersOf(clusters);
  const pull = regions.map((region, cluster) => {
    const own = meanCosine(target, target, region);
    const others = (members[cluster] as number[]).map((i) => points[i] as GridPoint);
    return Float64Array.from(points, ({ x, y, cell }) => {
      const distance = others.reduce((least, other) => Math.min(least, Math.hypot(x - other.x, y - other.y)), Infinity);
      return (own[cell] as number) / (distance || 1);
    });
  });
  const agrees = new Uint8Array(points.length);
  points.forEach((_, j) => {
    let best = 0;
    for (let cluster = 1; cluster < pull.length; cluster++) {
      if ((pull[cluster]?.[j] as number) > (pull[best]?.[j] as number)) best = cluster;
    }
    agrees[j] = best === clusters[j] ? 1 : 0;
  });
  for (const points of members) {
    const agreeing = points.reduce((sum, j) => sum + (agrees[j] as number), 0);
    if (2 * agreeing < points.length) for (const j of points) agrees[j] = 0;
  }
  return { pull, agrees };
}
