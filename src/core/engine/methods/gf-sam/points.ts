/** Cells that become point prompts: as many as the point map sums to, the largest first, spread out where the budget holds fewer. */

/** A cell of the grid. */
export interface GridPoint {
  x: number;
  y: number;
  /** y * columns + x */
  cell: number;
}

export interface ChosenPoints {
  /** Column by column. */
  points: GridPoint[];
  /** Points that the map asks for. */
  wanted: number;
}

/** Share of the even spacing that is kept at least between points of a cut list. */
const SPACING = 0.9;

/**
 * kept: point map, 0 where no point may be. [rows * columns], 0..1. most: points at most.
 * spread: of a list that is cut, no point lies nearer to another than an even spread would put it, so that small objects keep theirs beside
 * a large one; without it the largest cells are taken.
 */
export function choosePoints(kept: ArrayLike<number>, columns: number, most: number, spread: boolean): ChosenPoints {
  let sum = 0;
  for (let i = 0; i < kept.length; i++) sum += kept[i] as number;
  const wanted = sum > 0 ? Math.max(1, Math.floor(sum)) : 0;
  const count = Math.min(wanted, most);
  const ranked: number[] = [];
  for (let i = 0; i < kept.length; i++) if ((kept[i] as number) > 0) ranked.push(i);
  ranked.sort((a, b) => (kept[b] as number) - (kept[a] as number) || a - b);
  const distance = spread && wanted > most ? SPACING * Math.sqrt(sum / most) : 0;
  const points = (distance > 1 ? apart(ranked, columns, count, distance) : ranked.slice(0, count)).map((cell): GridPoint => {
    return { x: cell % columns, y: Math.floor(cell / columns), cell };
  });
  return { points: points.sort((a, b) => a.x - b.x || a.y - b.y), wanted };
}

/** The best cells that lie apart, filled up with the best of those that do not. */
function apart(ranked: readonly number[], columns: number, count: number, distance: number): number[] {
  const chosen: number[] = [];
  const near: number[] = [];
  for (const cell of ranked) {
    if (chosen.length === count) return chosen;
    const free = chosen.every(
      (other) => Math.hypot((cell % columns) - (other % columns), Math.floor(cell / columns) - Math.floor(other / columns)) >= distance,
    );
    (free ? chosen : near).push(cell);
  }
  return [...chosen, ...near.slice(0, count - chosen.length)];
}
