/** Lloyd's rounds of k-means with plain distances (Lloyd, 1982); an empty cluster keeps its centre. */

const ROUNDS = 100;

/** points, start: [n, 2], [k, 2]. -> centres [k, 2] and the number of each point's centre, the lower one among equals */
export function lloyd(points: Float32Array, start: Float32Array): { centres: number[]; assignment: number[] } {
  const centres = [...start];
  const count = points.length / 2;
  const nearest = (i: number): number => {
    let best = 0;
    const distance = (k: number): number =>
      Math.hypot((points[2 * i] as number) - (centres[2 * k] as number), (points[2 * i + 1] as number) - (centres[2 * k + 1] as number));
    for (let k = 1; 2 * k < centres.length; k++) if (distance(k) < distance(best)) best = k;
    return best;
  };
  let assignment = Array.from({ length: count }, (_, i) => nearest(i));
  for (let round = 0; round < ROUNDS; round++) {
    for (let k = 0; 2 * k < centres.length; k++) {
      const own = assignment.flatMap((centre, i) => (centre === k ? [i] : []));
      if (own.length === 0) continue;
      for (const axis of [0, 1]) centres[2 * k + axis] = own.reduce((sum, i) => sum + (points[2 * i + axis] as number), 0) / own.length;
    }
    const next = Array.from({ length: count }, (_, i) => nearest(i));
    if (next.every((centre, i) => centre === assignment[i])) break;
    assignment = next;
  }
  return { centres, assignment };
}
