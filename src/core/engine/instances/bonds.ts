/**
 * Graph of a region's points after GF-SAM's, whose edges say whether one point's mask covers another point. Here an edge has a weight, and a mask
 * has to cover the whole way: masks of objects that touch often reach the neighbour's middle, but seldom without a gap.
 */
import { sigmoid } from '../methods/sigmoid.ts';
import type { InnerPoint, SquareMask } from './points.ts';

/** Symmetric weights between points. [P][P], 0..1 */
export interface Bonds {
  /** Mean, over the masks of both, of the least probability on the straight way between them. */
  agreement: Float64Array[];
  /** That times the width of the region at its narrowest place on the way, in proportion to its width at the points. */
  strength: Float64Array[];
}

/** Rest of a bond where SAM, or the region's form, says nothing for it: chains of weak bonds still beat none. */
const MIN_AGREEMENT = 0.02;
const MIN_WIDTH = 0.05;

/** masks: logits of some masks of each point. [P][masks][side * side] depth: of the region. */
export function bondsOf(
  { side }: Pick<SquareMask, 'side'>,
  depth: Float32Array,
  points: readonly InnerPoint[],
  masks: readonly (readonly Float32Array[])[],
): Bonds {
  const empty = (): Float64Array[] => points.map(() => new Float64Array(points.length));
  const bonds: Bonds = { agreement: empty(), strength: empty() };
  const leastOf = (way: readonly number[], point: number): number => {
    const ofPoint = masks[point] as readonly Float32Array[];
    return ofPoint.reduce((sum, logits) => sum + sigmoid(leastOn(way, logits)), 0) / ofPoint.length;
  };
  const depthAt = ({ x, y }: InnerPoint): number => depth[y * side + x] as number;
  points.forEach((from, i) => {
    for (let j = 0; j < i; j++) {
      const to = points[j] as InnerPoint;
      const way = wayBetween(from, to, side);
      const agreement = (leastOf(way, i) + leastOf(way, j)) / 2;
      const width = Math.min(1, leastOn(way, depth) / Math.max(1, Math.min(depthAt(from), depthAt(to))));
      const strength = (agreement + MIN_AGREEMENT) * (width + MIN_WIDTH);
      for (const [a, b] of [
        [i, j],
        [j, i],
      ] as const) {
        (bonds.agreement[a] as Float64Array)[b] = agreement;
        (bonds.strength[a] as Float64Array)[b] = strength;
      }
    }
  });
  return bonds;
}

/** Pixels of the straight line between two points. */
function wayBetween(from: InnerPoint, to: InnerPoint, side: number): number[] {
  const steps = Math.floor(Math.hypot(from.x - to.x, from.y - to.y)) + 1;
  return Array.from({ length: steps + 1 }, (_, k) => {
    const x = Math.round(from.x + (k * (to.x - from.x)) / steps);
    const y = Math.round(from.y + (k * (to.y - from.y)) / steps);
    return y * side + x;
  });
}

function leastOn(way: readonly number[], map: Float32Array): number {
  return way.reduce((least, at) => Math.min(least, map[at] as number), Infinity);
}
