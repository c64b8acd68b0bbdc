/** Groups of points that hold together: a group is cut in two where that costs little (normalized cuts; Shi and Malik, 2000). */
import type { Bonds } from './bonds.ts';

export interface CutRule {
  /** A cut may cost so much: its normalized cut, 0..2, plus `agreementWeight` times the mean agreement within the group. */
  mostCost: number;
  /** Cost added by SAM seeing one object on both sides: then even a cheap cut is wrong. */
  agreementWeight: number;
  /** Points that a part has at least. */
  leastPoints: number;
}

/** Rounds of rotations that even large matrices need less than. */
const MAX_SWEEPS = 30;
const SMALL = 1e-9;

/** -> members of each group, in order */
export function groupsOf(bonds: Bonds, rule: CutRule): number[][] {
  const waiting = [bonds.strength.map((_, i) => i)];
  const groups: number[][] = [];
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    const parts = cutInTwo(group, bonds, rule);
    if (parts === undefined) groups.push(group);
    else waiting.push(...parts);
  }
  return groups.sort((a, b) => (a[0] as number) - (b[0] as number));
}

function cutInTwo(group: readonly number[], { strength, agreement }: Bonds, rule: CutRule): [number[], number[]] | undefined {
  if (group.length < 2 * rule.leastPoints) return undefined;
  const between = (map: readonly Float64Array[], a: number, b: number): number => (map[a] as Float64Array)[b] as number;
  const degree = group.map((a) => group.reduce((sum, b) => sum + (a === b ? 0 : between(strength, a, b)), SMALL));
  const scaled = group.map((a, i) =>
    Float64Array.from(group, (b, j) => (a === b ? 0 : between(strength, a, b) / Math.sqrt((degree[i] as number) * (degree[j] as number)))),
  );
  const direction = secondVector(scaled).map((value, i) => value / Math.sqrt(degree[i] as number));
  const order = [...group.keys()].sort((i, j) => (direction[i] as number) - (direction[j] as number) || i - j);
  const best = cheapestCut(
    order.map((i) => group[i] as number),
    order.map((i) => degree[i] as number),
    (a, b) => between(strength, a, b),
  );
  // Each point agrees with itself: few points need a cheaper cut.
  const agreed = group.reduce((sum, a) => sum + group.reduce((own, b) => own + (a === b ? 1 : between(agreement, a, b)), 0), 0);
  if (best.cost + rule.agreementWeight * (agreed / group.length ** 2) > rule.mostCost) return undefined;
  const first = order.slice(0, best.size).map((i) => group[i] as number);
  const second = order.slice(best.size).map((i) => group[i] as number);
  if (Math.min(first.length, second.length) < rule.leastPoints) return undefined;
  return [first.sort((a, b) => a - b), second.sort((a, b) => a - b)];
}

/** Cheapest of the cuts of a row: its first `size` members from the others. */
function cheapestCut(
  row: readonly number[],
  degree: readonly number[],
  strength: (a: number, b: number) => number,
): { cost: number; size: number } {
  const total = degree.reduce((sum, value) => sum + value, 0);
  let best = { cost: Infinity, size: 0 };
  let [cut, inside] = [0, 0];
  for (let size = 1; size < row.length; size++) {
    const moved = row[size - 1] as number;
    // What the moved one holds to those behind it is now cut, and to those before it no more.
    row.forEach((other, i) => {
      if (i !== size - 1) cut += i < size ? -strength(moved, other) : strength(moved, other);
    });
    inside += degree[size - 1] as number;
    const cost = cut / inside + cut / (total - inside);
    if (cost < best.cost) best = { cost, size };
  }
  return best;
}

/** Eigenvector of the second largest eigenvalue of a symmetric matrix, by Jacobi's rotations: exact enough, and no start to choose. */
export function secondVector(matrix: readonly Float64Array[]): Float64Array {
  const n = matrix.length;
  const a = matrix.map((row) => Float64Array.from(row));
  const vectors = matrix.map((_, i) => Float64Array.from(matrix, (__, j) => (i === j ? 1 : 0)));
  const rotate = (row: Float64Array, p: number, q: number, c: number, s: number): void => {
    const [x, y] = [row[p] as number, row[q] as number];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  };
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let rest = 0;
    for (let p = 0; p < n; p++) {
      const rowP = a[p] as Float64Array;
      for (let q = p + 1; q < n; q++) {
        const rowQ = a[q] as Float64Array;
        const off = rowP[q] as number;
        rest += off * off;
        if (Math.abs(off) < 1e-15) continue;
        const theta = ((rowQ[q] as number) - (rowP[p] as number)) / (2 * off);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        for (const row of a) rotate(row, p, q, c, t * c);
        for (let k = 0; k < n; k++) {
          const [x, y] = [rowP[k] as number, rowQ[k] as number];
          rowP[k] = c * x - t * c * y;
          rowQ[k] = t * c * x + c * y;
        }
        for (const row of vectors) rotate(row, p, q, c, t * c);
      }
    }
    if (rest < 1e-20) break;
  }
  const order = [...a.keys()].sort((i, j) => (a[j]?.[j] as number) - (a[i]?.[i] as number));
  return Float64Array.from(vectors, (row) => row[order[1] as number] as number);
}
