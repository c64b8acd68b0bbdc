/** The annotations a reference gets in training and evaluation, made from its true mask as the public benchmarks make them. */
import { boxMaskFromMask, MARKS_IN_EVALUATION, pointsFromMask, scribbleFromMask } from '../../core/mask/simulate-annotations.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { emptyMask } from '../../core/mask/raster.ts';
import { uniformInt, type Random } from '../../core/common/random.ts';
import type { AnnotationMode } from '../types.ts';

/** Training draws as many points or strokes as 1 to this. */
const MAX_MARKS = MARKS_IN_EVALUATION;
/** The public code seeds the number of strokes anew for every evaluation episode; that seed gives this many. */
const STROKES_IN_EVALUATION = 9;
const KINDS = ['mask', 'box', 'point', 'scribble'] as const satisfies readonly AnnotationMode[];

/**
 * Marked pixels, at the mask's size; strokes have widths in pixels, so pass the mask at the size the network sees. An empty mask
 * stays empty.
 * - mask: unchanged; box: the filled tight box
 * - point: single pixels of the mask, 20 in evaluation, 1 to 20 in training (fewer where the mask is smaller)
 * - scribble: random curves cut to the mask, 9 in evaluation, 1 to 20 of either thickness in training
 * - mixed: one of the four, each equally likely
 */
export function annotateForTraining(mask: BinaryMask, mode: AnnotationMode, random: Random, phase: 'training' | 'evaluation'): BinaryMask {
  const training = phase === 'training';
  const kind = mode === 'mixed' ? (KINDS[uniformInt(random, 0, KINDS.length - 1)] as (typeof KINDS)[number]) : mode;
  switch (kind) {
    case 'mask':
      return mask;
    case 'box':
      return boxMaskFromMask(mask);
    case 'point': {
      const marked = emptyMask(mask.width, mask.height);
      const count = training ? uniformInt(random, 1, MAX_MARKS) : MARKS_IN_EVALUATION;
      for (const [x, y] of pointsFromMask(mask, count, random)) marked.data[Math.floor(y) * mask.width + Math.floor(x)] = 1;
      return marked;
    }
    case 'scribble': {
      const count = training ? uniformInt(random, 1, MAX_MARKS) : STROKES_IN_EVALUATION;
      const small = training && random() < 0.5;
      return scribbleFromMask(mask, count, small ? 'rand_curve_small' : 'rand_curve', random);
    }
  }
}
