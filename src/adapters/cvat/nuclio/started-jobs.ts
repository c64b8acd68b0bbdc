/** Jobs somebody has begun to work on: their frames are fetched, one job after the other, before they are clicked in. */
import { createLruMap } from '../../../core/common/lru-map.ts';
import { messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import type { StartedJob } from '../jobs/job-events.ts';
import type { Prefetched, PrefetchRequest } from './prefetch.ts';

export interface StartedJobsParts {
  prefetch: (request: PrefetchRequest) => Promise<Prefetched>;
  log: Log;
  closing: AbortSignal;
}

/** Most frames of one job; people rarely get further in one sitting. */
const MAX_FRAMES = 500;
const MAX_WAITING = 100;
const MAX_REMEMBERED = 10_000;

/** Answers at once; each job is fetched once. */
export function createStartedJobs({ prefetch, log, closing }: StartedJobsParts): (job: StartedJob) => void {
  const fetched = createLruMap<number, true>({ max: MAX_REMEMBERED });
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return ({ job, task, from, to }) => {
    if (closing.aborted || fetched.has(job) || waiting >= MAX_WAITING) return;
    fetched.set(job, true);
    waiting++;
    const frames = Array.from({ length: Math.min(MAX_FRAMES, Math.max(0, to - from + 1)) }, (_, i) => from + i);
    last = last
      .then(() => prefetch({ task, frames, signal: closing }))
      .then((done) => log.info({ job, ...done }, 'cvat: frames of a job are fetched'))
      .catch((error: unknown) => {
        fetched.delete(job);
        if (!closing.aborted) log.warn({ job }, `cvat: frames of a job could not be fetched: ${messageOf(error)}`);
      })
      .finally(() => waiting--);
  };
}
