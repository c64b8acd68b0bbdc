/** Scores of proposed masks, and which are merged (Matcher, Liu et al., 2024). */

export interface ScoreSettings {
  /** Share of the transport, of purity times coverage, and the power of coverage. */
  alpha: number;
  beta: number;
  lambda: number;
  /** Least values, where above 0; the best mask always stays. */
  least: { coverage: number; emd: number; purity: number };
  /** Largest distance, 1 less the score, and the largest relative one; or the least share of the best score. */
  merge: { distance: number; spread: number } | { share: number };
  /** Masks that are merged at most. */
  most: number;
}

export interface MaskScore {
  /** Matched points in the mask for each of its cells, and as a share of all matched points. */
  purity: number;
  coverage: number;
  /** 1 less the transport between the reference's cells and the mask's, 0..1. */
  emd: number;
  score: number;
}

const EPSILON = 1e-6;

/** cells: of the mask, how many. inside: matched points in the mask, of `points`. transport: distance to the reference, 0..1 */
export function maskScore(
  { cells, inside, points, transport }: { cells: number; inside: number; points: number; transport: number },
  { alpha, beta, lambda }: ScoreSettings,
): MaskScore {
  const purity = inside / Math.max(cells, 1) + EPSILON;
  const coverage = inside / points + EPSILON;
  const emd = 1 - transport;
  return { purity, coverage, emd, score: alpha * emd + beta * purity * coverage ** lambda };
}

/** Numbers of the masks that pass the three least values, and of those that are merged, the best first. */
export function mergedMasks(scores: readonly MaskScore[], settings: ScoreSettings): { survivors: number[]; merged: number[] } {
  let survivors = [...scores.keys()];
  const at = (i: number): MaskScore => scores[i] as MaskScore;
  for (const name of ['coverage', 'emd', 'purity'] as const) {
    const least = settings.least[name];
    if (least <= 0) continue;
    const bound = survivors.reduce((largest, i) => Math.max(largest, at(i)[name]), -Infinity);
    survivors = survivors.filter((i) => at(i)[name] >= Math.min(least, bound));
  }
  const ranked = [...survivors].sort((a, b) => at(b).score - at(a).score);
  return { survivors, merged: ranked.length === 0 ? [] : bestOf(ranked, at, settings) };
}

function bestOf(ranked: readonly number[], at: (i: number) => MaskScore, { merge, most }: ScoreSettings): number[] {
  const best = at(ranked[0] as number).score;
  if ('share' in merge) {
    const scale = merge.share > 0 ? best : 1;
    return ranked.slice(0, most).filter((i) => at(i).score / scale > merge.share);
  }
  const [least, largest] = [1 - best, 1 - at(ranked.at(-1) as number).score];
  const near = ranked.filter((i, rank) => {
    const distance = 1 - at(i).score;
    return (rank === 0 || distance < merge.distance) && (distance - least) / (largest + EPSILON) < merge.spread;
  });
  return near.slice(0, most);
}
