/** Rules of provenance: which accepted mask counts before which other, and how much the learner draws from it. */
import { ProsamError } from '../../core/common/errors.ts';
import { LIMITS } from '../../core/common/limits.ts';

/**
 * Origin of a mask, best first as a reference:
 * - 'ground_truth': checked and starred by somebody
 * - 'drawn': by hand, without a prediction
 * - 'edited': a prediction somebody corrected
 * - 'accepted': a prediction taken as it was
 * - 'rejected': a prediction somebody threw away; no mask is known
 */
export const PROVENANCES = ['ground_truth', 'drawn', 'edited', 'accepted', 'rejected'] as const;
export type Provenance = (typeof PROVENANCES)[number];

/** Rank as a reference, larger first: flagged masks before all others, then by provenance. Kept as a column to sort by. */
export function preferenceOf(provenance: Provenance, flagged: boolean): number {
  return (flagged ? PROVENANCES.length : 0) + PROVENANCES.length - 1 - PROVENANCES.indexOf(provenance);
}

interface RankedMask {
  provenance: Provenance;
  flagged: boolean;
  /** Newer is larger. */
  sequence: number;
}

/** Several people may have annotated one label in one image: whether the first mask counts rather than the second. */
export function countsBefore(mask: RankedMask, other: RankedMask): boolean {
  const difference = preferenceOf(mask.provenance, mask.flagged) - preferenceOf(other.provenance, other.flagged);
  return difference === 0 ? mask.sequence > other.sequence : difference > 0;
}

/** Evidence of one mask that a run is due, relative to others: predictions taken as they were say little that is new. */
export const EVIDENCE_WEIGHTS: Readonly<Record<Provenance, number>> = {
  ground_truth: 1,
  drawn: 1,
  edited: 1,
  accepted: 0.15,
  rejected: 0,
};

/** Share of a mask in training, relative to others: where the model was wrong there is most to learn. */
export const TEACHING_WEIGHTS: Readonly<Record<Provenance, number>> = {
  ground_truth: 0.8,
  drawn: 0.8,
  edited: 1,
  accepted: 0.15,
  rejected: 0,
};

/** Checks the number of masks: a rejection has none, everything else has some. @throws REQUEST_INVALID, MASK_EMPTY */
export function checkMaskCount(provenance: Provenance, masks: number): void {
  if (masks > LIMITS.masks)
    throw new ProsamError('REQUEST_INVALID', `expected at most ${LIMITS.masks} masks in one annotation, got ${masks}. Send several.`);
  if (provenance === 'rejected' && masks > 0)
    throw new ProsamError(
      'REQUEST_INVALID',
      `expected no masks with the provenance "rejected", got ${masks}. Send them as "edited" or "drawn" if they are right.`,
    );
  if (provenance !== 'rejected' && masks === 0)
    throw new ProsamError(
      'MASK_EMPTY',
      `expected at least one mask with the provenance "${provenance}", got none. Send what was annotated, or the provenance "rejected".`,
    );
}
