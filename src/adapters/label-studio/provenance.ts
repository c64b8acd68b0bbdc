/** Provenance of an annotation, derived from its own content: the result is the same whichever way the annotation arrived. */
import type { Provenance } from '../../service/ports/storage.ts';
import { kindOfRegion } from './protocol/read-region.ts';
import type { MlAnnotation } from './protocol/request-schemas.ts';

/**
 * Skipped: 'skipped'. Submitted with nothing at all in it: 'absent'. Without a mark on an image, but with something else, such as a choice:
 * 'rejected'. Starred: 'ground_truth'. All regions still as predicted: 'accepted'. Begun from a prediction, with regions of one or of a
 * click that was answered: 'edited'. Not made in the editor: 'imported'. Otherwise 'drawn'.
 */
export function provenanceOf(annotation: MlAnnotation): Provenance {
  const { was_cancelled, ground_truth, result, unread = 0, parent_prediction } = annotation;
  const regions = result.filter((region) => kindOfRegion(region) !== undefined && kindOfRegion(region) !== 'keypointlabels');
  if (was_cancelled) return 'skipped';
  if (result.length + unread === 0) return 'absent';
  if (regions.length === 0) return 'rejected';
  if (ground_truth) return 'ground_truth';
  // The editor keeps the origin of a region nobody has touched, and turns it to "prediction-changed" otherwise.
  if (regions.every(({ origin }) => origin === 'prediction')) return 'accepted';
  // Only the editor begins from a prediction.
  const begun = parent_prediction !== undefined && parent_prediction !== null;
  if (begun || regions.some(({ origin = '' }) => origin.startsWith('prediction'))) return 'edited';
  if (isImported(annotation)) return 'imported';
  // Regions drawn by hand have no score.
  return regions.some(({ score }) => score !== undefined) ? 'edited' : 'drawn';
}

/** Longest time between the creation of imported annotations and the end of their import, in microseconds. */
const IMPORT_US = 10_000_000;

/** The editor says how long somebody took; what came with a number of its own, and was not touched since, came from elsewhere. */
function isImported({ lead_time, import_id, created_at, updated_at }: MlAnnotation): boolean {
  if (lead_time === null) return true;
  if (import_id === undefined || import_id === null) return false;
  return instantOf(updated_at ?? '') - instantOf(created_at ?? updated_at ?? '') < IMPORT_US;
}

/** Microseconds since 1970 of its last change: newer ones replace older ones. 0 where it does not say. */
export function revisionOf({ updated_at, created_at }: MlAnnotation): number {
  return instantOf(updated_at ?? created_at ?? '');
}

function instantOf(text: string): number {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return 0;
  const beyond = /\.\d{3}(\d{1,3})/.exec(text)?.[1] ?? '';
  return Math.max(0, Math.floor(milliseconds) * 1000 + Number(beyond.padEnd(3, '0')));
}

/** Number of a user, whether it comes alone or in an object. */
export function annotatorOf({ completed_by }: MlAnnotation): string | undefined {
  const held = typeof completed_by === 'object' && completed_by !== null ? (completed_by as { id?: unknown }).id : completed_by;
  return typeof held === 'number' || (typeof held === 'string' && held.length > 0 && held.length <= 200) ? `user ${held}` : undefined;
}
