/** Whether a run holds on to what its first weights knew, and how firmly. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Episode } from '../types.ts';

/** Weight of the distance from the starting answers. docs/training/further.md has what it costs and saves. */
const KEEP = 10;
/** Largest number of images that count as few. */
const FEW_IMAGES = 100;

/**
 * asked: the caller's wish, if there is one. isTrained: the start is no random weights. episodes: of the first epoch
 * @throws OPTION_INVALID
 */
export function keepWeight(asked: number | undefined, isTrained: boolean, episodes: readonly Episode[]): number {
  if (asked !== undefined && asked > 0 && !isTrained)
    throw new ProsamError(
      'OPTION_INVALID',
      'keep: expected a start that was trained, got random weights. Use 0, or start from a trained encoder.',
    );
  if (asked !== undefined) return asked;
  const images = new Set(episodes.flatMap(({ reference, target }) => [reference.key, target.key]));
  return isTrained && images.size <= FEW_IMAGES ? KEEP : 0;
}
