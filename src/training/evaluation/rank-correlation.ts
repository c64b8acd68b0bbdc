/** Spearman's rank correlation. */

/** 1-based ranks; equal values share the mean of their ranks. */
export function ranksOf(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Array<number>(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end] as number] === values[order[start] as number]) end++;
    for (let i = start; i < end; i++) ranks[order[i] as number] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/** One pair or object: the IoU that was expected of it, in any unit, and the one it reached. */
export interface Ranked {
  fold: string;
  expected: number;
  iou: number;
}

/** Mean over the folds of the correlation within each; undefined where no fold has one. */
export function rankWithinFolds(ranked: readonly Ranked[]): number | undefined {
  const found = [...new Set(ranked.map(({ fold }) => fold))].flatMap((fold) => {
    const own = ranked.filter((one) => one.fold === fold);
    const one = spearman(
      own.map(({ expected }) => expected),
      own.map(({ iou }) => iou),
    );
    return one === undefined ? [] : [one];
  });
  return found.length === 0 ? undefined : found.reduce((sum, one) => sum + one, 0) / found.length;
}

/** -1..1; undefined for fewer than two pairs, or where one side does not vary. Both of one length. */
export function spearman(a: readonly number[], b: readonly number[]): number | undefined {
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const mean = (x.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((rank, i) => {
    const [dx, dy] = [rank - mean, (y[i] as number) - mean];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  });
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : undefined;
}
