/** Rows of an evaluation made up from overlaps. */
import type { EpisodeRow } from '../../../../src/training/evaluation/result.ts';

export interface MadeUp {
  fold?: string;
  classId?: number;
  tp: number;
  fp?: number;
  fn?: number;
  tn?: number;
  uncertainty?: number;
  samIou?: number;
}

export function rowsOf(made: readonly MadeUp[]): EpisodeRow[] {
  return made.map(({ fold = '0', classId = 1, tp, fp = 0, fn = 0, tn = 0, uncertainty, samIou }, i) => ({
    fold,
    classId,
    reference: `reference ${i}`,
    target: `target ${i}`,
    counts: { tp, fp, fn, tn },
    iou: tp + fp + fn === 0 ? 1 : tp / (tp + fp + fn),
    ...(uncertainty !== undefined && { uncertainty }),
    ...(samIou !== undefined && { samIou }),
    milliseconds: { total: i },
  }));
}
