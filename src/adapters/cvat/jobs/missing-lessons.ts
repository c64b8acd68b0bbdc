/** Lessons that count here and are not to be seen in their job now: gone because a person took them out, or only not to be seen. */
import { hasMasks } from '../../../service/ports/provenance.ts';
import { placeOf, type Compared } from './compare-shapes.ts';
import type { CountedLesson } from './counted-lessons.ts';
import type { JobLook } from './look-at-job.ts';

export interface MissingFacts {
  look: JobLook;
  compared: Compared;
  /** Lessons of the job that count in the service. */
  own: readonly CountedLesson[];
  /** Names of the job's lessons as it is now, and of those that say a person threw away what was predicted. */
  now: ReadonlySet<string>;
  rejections: ReadonlySet<string>;
  /** Frames somebody deleted from the task. */
  deleted: ReadonlySet<number>;
  /** Labels CVAT lists. */
  known: ReadonlyMap<number, string>;
  /** Whether another job is listened to for this frame. */
  isSilenced: (frame: number) => boolean;
}

export interface Missing {
  gone: CountedLesson[];
  silenced: CountedLesson[];
  /** They stay: a machine's shapes stand where they stood, or nobody finished work since. */
  held: CountedLesson[];
  /** Names of what stays as it was, though it vanished or was thrown away: nearly all of the job at once. */
  doubted: ReadonlySet<string>;
}

/** Fewer may go at once without a second word. */
const FEW = 5;

export function missingLessons({ look, compared, own, now, rejections, deleted, known, isSilenced }: MissingFacts): Missing {
  const result: Missing = { gone: [], silenced: [], held: [], doubted: new Set() };
  for (const one of own) {
    if (now.has(one.externalId)) continue;
    const isHeld = !known.has(one.label) || compared.waiting.has(placeOf(one.frame, one.label)) || !compared.settled;
    if (deleted.has(one.frame)) result.gone.push(one);
    else if (isSilenced(one.frame)) result.silenced.push(one);
    else result[isHeld ? 'held' : 'gone'].push(one);
  }
  const thrownAway = new Set(own.filter(({ provenance }) => !hasMasks(provenance)).map(({ externalId }) => externalId));
  const vanished = new Set([...result.gone.map(({ externalId }) => externalId), ...rejections].filter((name) => !thrownAway.has(name)));
  const before = new Set([...own.map(({ externalId }) => externalId), ...vanished].filter((name) => !thrownAway.has(name)));
  const { job, review } = look;
  // Finished once more since it was doubted: then it is meant.
  const isMeant = review.doubtedAt(job.id) >= 0 && review.finishedAt(job.id) > review.doubtedAt(job.id);
  if (isMeant || vanished.size < FEW || 2 * vanished.size <= before.size) return result;
  return { ...result, gone: [], doubted: vanished };
}
