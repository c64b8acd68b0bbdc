/** A mask on the feature grid. */
import type { MethodResult } from '../methods/method.ts';

/** Share of every visible cell that the mask covers, row by row, 0..1 */
export function coverOf(
  { decision, probability: { width, height } }: Pick<MethodResult, 'decision' | 'probability'>,
  { columns, rows }: { columns: number; rows: number },
): number[] {
  const on = new Array<number>(rows * columns).fill(0);
  const all = new Array<number>(rows * columns).fill(0);
  // The finer of the two grids decides where to look, so that no cell is without a place.
  const [down, across] = [Math.max(rows, height), Math.max(columns, width)];
  for (let y = 0; y < down; y++) {
    const [row, from] = [Math.floor((y * rows) / down), Math.floor((y * height) / down)];
    for (let x = 0; x < across; x++) {
      const cell = row * columns + Math.floor((x * columns) / across);
      all[cell] = (all[cell] as number) + 1;
      on[cell] = (on[cell] as number) + (decision[from * width + Math.floor((x * width) / across)] as number);
    }
  }
  return on.map((count, i) => count / (all[i] as number));
}
