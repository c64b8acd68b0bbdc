/** A predicted mask held against the truth, as evaluations keep it. */
import { confusion } from '../../core/mask/metrics.ts';
import type { Episode } from '../types.ts';
import type { EpisodeRow } from './result.ts';

/** Facts besides the counts: confidence, method and time. */
export type Particulars = Omit<EpisodeRow, 'fold' | 'classId' | 'reference' | 'target' | 'counts' | 'iou'>;

/** mask, truth: 0/1 per pixel; ignore: non-zero where a pixel does not count. Two empty masks agree perfectly. */
export function episodeRow(
  fold: string,
  { classId, reference, target }: Episode,
  { mask, truth, ignore }: Record<'mask' | 'truth' | 'ignore', Uint8Array>,
  particulars: Particulars,
): EpisodeRow {
  const counts = confusion(mask, truth, ignore);
  const union = counts.tp + counts.fp + counts.fn;
  return {
    fold,
    classId,
    reference: reference.key,
    target: target.key,
    counts,
    iou: union === 0 ? 1 : counts.tp / union,
    ...particulars,
  };
}
