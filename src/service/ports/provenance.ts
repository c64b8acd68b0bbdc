/** Rules of provenance: which accepted mask counts before which other, and how much the learner draws from it. */
import { ProsamError } from '../../core/common/errors.ts';
import { checkName, LIMITS } from '../../core/common/limits.ts';

/**
 * Origin of a mask, best first as a reference:
 * - 'ground_truth': checked and starred by somebody
 * - 'drawn': by hand, without a prediction
 * - 'edited': a prediction somebody corrected
 * - 'imported': brought in from elsewhere, in whatever number: nobody here has drawn it
 * - 'accepted': a prediction taken as it was
 *
 * Without masks, three different things:
 * - 'absent': somebody looked, and the image does not show the labels named: evidence against them
 * - 'rejected': a prediction somebody threw away; neither a mask nor absence is known
 * - 'skipped': passed over; says nothing
 */
export const PROVENANCES = ['ground_truth', 'drawn', 'edited', 'imported', 'accepted', 'absent', 'rejected', 'skipped'] as const;
export type Provenance = (typeof PROVENANCES)[number];

/** Numbers with room between them: they are stored, and one that changes needs a migration. */
const PREFERENCES: Readonly<Record<Provenance, number>> = {
  ground_truth: 70,
  drawn: 60,
  edited: 50,
  imported: 40,
  accepted: 30,
  absent: 20,
  rejected: 10,
  skipped: 0,
};
/** Larger than every preference. */
const FLAGGED = 100;

/** Rank as a reference, larger first: flagged masks before all others, then by provenance. Kept as a column to sort by. */
export function preferenceOf(provenance: Provenance, flagged: boolean): number {
  return (flagged ? FLAGGED : 0) + PREFERENCES[provenance];
}

/** Whether an annotation of this provenance has masks: all that show an object have some, all others have none. */
export function hasMasks(provenance: Provenance): boolean {
  return provenance !== 'absent' && provenance !== 'rejected' && provenance !== 'skipped';
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
  imported: 1,
  accepted: 0.15,
  absent: 0,
  rejected: 0,
  skipped: 0,
};

/** Share of a mask in training, relative to others: where the model was wrong there is most to learn. */
export const TEACHING_WEIGHTS: Readonly<Record<Provenance, number>> = {
  ground_truth: 0.8,
  drawn: 0.8,
  edited: 1,
  imported: 0.8,
  accepted: 0.15,
  absent: 0,
  rejected: 0,
  skipped: 0,
};

/** Checks the number of masks: none without an object, some everywhere else. @throws REQUEST_INVALID, MASK_EMPTY */
export function checkMaskCount(provenance: Provenance, masks: number): void {
  if (masks > LIMITS.masks)
    throw new ProsamError('REQUEST_INVALID', `expected at most ${LIMITS.masks} masks in one annotation, got ${masks}. Send several.`);
  if (!hasMasks(provenance) && masks > 0)
    throw new ProsamError(
      'REQUEST_INVALID',
      `expected no masks with the provenance "${provenance}", got ${masks}. Send them as "edited" or "drawn" if they are right.`,
    );
  if (hasMasks(provenance) && masks === 0)
    throw new ProsamError(
      'MASK_EMPTY',
      `expected at least one mask with the provenance "${provenance}", got none. Send what was annotated, or the provenance "absent", "rejected" or "skipped".`,
    );
}

/** Checks the labels an image is said not to show. @throws REQUEST_INVALID */
export function checkAbsence(provenance: Provenance, absent: readonly string[], shown: Iterable<string>): void {
  if (absent.length > LIMITS.masks)
    throw new ProsamError('REQUEST_INVALID', `expected at most ${LIMITS.masks} absent labels in one annotation, got ${absent.length}.`);
  absent.forEach((label) => checkName('absent', label, 'label'));
  if (absent.length > 0 && (provenance === 'rejected' || provenance === 'skipped'))
    throw new ProsamError(
      'REQUEST_INVALID',
      `expected no absent labels with the provenance "${provenance}", got ${absent.length}. Send the provenance "absent" if the image does not show them.`,
    );
  const both = [...new Set(shown)].find((label) => absent.includes(label));
  if (both !== undefined)
    throw new ProsamError(
      'REQUEST_INVALID',
      `expected a label that is marked or absent, got both of ${JSON.stringify(both)}. Leave it out of "absent".`,
    );
}
