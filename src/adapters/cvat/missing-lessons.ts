/** Lessons that count here and are not to be seen in their job now: gone because a person took them out, or only not to be seen. */
import { placeOf, type Compared } from './compare-shapes.ts';
import type { CountedLesson } from './counted-lessons.ts';
import type { JobLook } from './look-at-job.ts';

export interface MissingFacts {
  look: JobLook;
  compared: Compared;
  /** Frames somebody deleted from the task. */
  deleted: ReadonlySet<number>;
  /** Labels CVAT lists. */
  known: ReadonlyMap<number, string>;
  /** Lessons of the job that counted before. */
  counted: number;
  /** Whether another job is listened to for this frame. */
  isSilenced: (frame: number) => boolean;
}

export interface Missing {
  gone: CountedLesson[];
  silenced: CountedLesson[];
  /** They stay: a machine's shapes stand where they stood, or nobody finished work since. */
  held: CountedLesson[];
  /** They stay: nearly all of the job at once, and nothing but a look at it says so. */
  doubted: CountedLesson[];
}

/** Fewer may go at once without a second word. */
const FEW = 5;

export function missingLessons(missing: readonly CountedLesson[], facts: MissingFacts): Missing {
  const { look, compared, deleted, known, counted, isSilenced } = facts;
  const result: Missing = { gone: [], silenced: [], held: [], doubted: [] };
  for (const one of missing) {
    const isHeld = !known.has(one.label) || compared.waiting.has(placeOf(one.frame, one.label)) || !compared.settled;
    if (deleted.has(one.frame)) result.gone.push(one);
    else if (isSilenced(one.frame)) result.silenced.push(one);
    else result[isHeld ? 'held' : 'gone'].push(one);
  }
  const { job, atUs, review } = look;
  const isSure = review.finishedAs(job.id, atUs) === 'surely';
  // Finished once more since it was doubted: then it is meant.
  const isMeant = review.doubtedAt(job.id) >= 0 && review.finishedAt(job.id) > review.doubtedAt(job.id);
  if (isSure || isMeant || result.gone.length < FEW || 2 * result.gone.length <= counted) return result;
  return { ...result, gone: [], doubted: result.gone };
}
