/** Looks at CVAT now and then for what changed in jobs: for installations that cannot send webhooks, and for webhooks that got lost. */
import { isDone, type DoneJob, type StartedJob } from './job-events.ts';
import type { CvatJob } from '../api/types.ts';
import type { CvatApi } from '../types.ts';

export interface PollOptions {
  api: Pick<CvatApi, 'jobs'>;
  /** Resolves to whether it is new. */
  take: (job: DoneJob) => Promise<boolean>;
  /** Notes what is in a job that nobody is done with, so that it is known to have been there before. Never rejects. */
  look: (job: CvatJob, signal: AbortSignal | undefined) => Promise<void>;
  /** Called when work on a job begins. @default not called */
  started?: (job: StartedJob) => void;
  /** Milliseconds since 1970. */
  nowMs: () => number;
  /** Date of the newest job seen before. Without one nothing is known of earlier polls. */
  cursor?: { read: () => string | undefined; write: (date: string) => void } | undefined;
  /** Time span of the first poll: changes made while the service was down. @default one day; everything where a cursor has no date yet */
  lookBackMs?: number;
}

const DAY_MS = 86_400_000;

/** One look, which resolves to how many jobs were taken; each goes on where the last one ended. @throws CVAT_* */
export function createJobPoll(options: PollOptions): (signal?: AbortSignal) => Promise<number> {
  const { api, take, look, started, nowMs, cursor, lookBackMs } = options;
  const span = lookBackMs ?? DAY_MS;
  const seen = Date.parse(cursor?.read() ?? '');
  // Beginning with what was seen last, less a span: it may have been taken and lost with the process.
  const fromMs = Number.isNaN(seen) ? (cursor && lookBackMs === undefined ? 0 : nowMs() - span) : Math.min(seen, nowMs()) - span;
  let since = new Date(Math.max(0, fromMs)).toISOString();
  return async (signal) => {
    // Of every state: a job may be done by its stage alone, and what machines put into open ones must be seen before they are done.
    const filter = JSON.stringify({ and: [{ '>': [{ var: 'updated_date' }, since] }] });
    const changed = await api.jobs({ filter, sort: 'updated_date' }, signal ? { signal } : {});
    // Sound has no frames to learn from.
    const jobs = changed.filter(({ media_type: media }) => media !== 'audio');
    let taken = 0;
    for (const job of jobs) {
      const { id, task_id, updated_date: updated } = job;
      if (updated !== undefined && isDone(job) && (await take({ job: id, task: task_id, updated }))) taken++;
    }
    for (const job of jobs) {
      if (isDone(job)) continue;
      signal?.throwIfAborted();
      const isRecent = Date.parse(job.updated_date ?? '') > nowMs() - span;
      if (job.state === 'in progress' && isRecent) started?.({ job: job.id, task: job.task_id, from: job.start_frame, to: job.stop_frame });
      await look(job, signal);
    }
    for (const { updated_date: date } of changed) if (date !== undefined && Date.parse(date) >= Date.parse(since)) since = date;
    if (changed.length > 0) cursor?.write(since);
    return taken;
  };
}
