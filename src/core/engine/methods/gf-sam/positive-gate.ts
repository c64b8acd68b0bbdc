/** Positive gate: in every cluster, masks are taken up as long as they add more of the object than of the rest. */
import { membersOf } from './clusters.ts';
import { middleOf, type PriorMaps } from './maps.ts';

export interface PositiveGate {
  /** Mean favour of each mask's cells. */
  scores: Float64Array;
  /** 1 where the mask added more of the object than of the rest. */
  growth: Uint8Array;
  /** Gain of the cluster's last mask: what it added of the object, less what it added of the rest; in cells. */
  residual: Float64Array;
}

const EPSILON = 1e-6;

/** Squared mean cosine to the object, less that to the rest times the middle of the object's: above 0 where a cell is the object's. [N] */
export function favourMap({ mean, rest }: Pick<PriorMaps, 'mean' | 'rest'>): Float64Array {
  const middle = middleOf(mean);
  return mean.map((value, i) => value * value - (rest[i] as number) * middle);
}

/** masks: share of every cell that each covers, 0..1. [P][N] */
export function positiveGate(favour: Float64Array, masks: readonly ArrayLike<number>[], clusters: Int32Array): PositiveGate {
  const scores = new Float64Array(masks.length);
  masks.forEach((mask, i) => {
    let [sum, area] = [0, 0];
    favour.forEach((value, cell) => {
      sum += (mask[cell] as number) * value;
      area += mask[cell] as number;
    });
    scores[i] = sum / (area + EPSILON);
  });
  const gate: PositiveGate = { scores, growth: new Uint8Array(masks.length), residual: new Float64Array(masks.length) };
  for (const members of membersOf(clusters)) {
    const filled = new Float64Array(favour.length);
    let last = 0;
    for (const i of [...members].sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)) {
      const mask = masks[i] as ArrayLike<number>;
      last = 0;
      for (let cell = 0; cell < favour.length; cell++) {
        const fresh = (mask[cell] as number) * (1 - (filled[cell] as number));
        last += (favour[cell] as number) > 0 ? fresh : -fresh;
      }
      if (last <= 0) continue;
      gate.growth[i] = 1;
      for (let cell = 0; cell < favour.length; cell++) {
        const before = filled[cell] as number;
        filled[cell] = before + (mask[cell] as number) * (1 - before);
      }
    }
    for (const i of members) gate.residual[i] = last;
  }
  return gate;
}
