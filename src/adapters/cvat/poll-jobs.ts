/** Looks at CVAT now and then for jobs people are done with: for installations that cannot send webhooks, and for webhooks that got lost. */
import { isDone, type DoneJob, type StartedJob } from './job-events.ts';
import type { CvatJob } from './rest-types.ts';
import type { CvatApi } from './types.ts';

export interface PollOptions {
  api: Pick<CvatApi, 'jobs'>;
  /** Resolves to whether it is new. */
  take: (job: DoneJob) => Promise<boolean>;
  /** Somebody has begun to work on a job. @default nobody wants to know */
  started?: (job: StartedJob) => void;
  /** Milliseconds since 1970. */
  nowMs: () => number;
  /** How far back the first look goes: what changed while nobody looked. @default one day */
  lookBackMs?: number;
}

/** One look, which resolves to how many jobs were taken; each goes on where the last one ended. @throws CVAT_* */
export function createJobPoll({
  api,
  take,
  started,
  nowMs,
  lookBackMs = 86_400_000,
}: PollOptions): (signal?: AbortSignal) => Promise<number> {
  const from = new Date(nowMs() - lookBackMs).toISOString();
  const since = { completed: from, 'in progress': from };
  const changed = async (state: keyof typeof since, signal: AbortSignal | undefined): Promise<CvatJob[]> => {
    const filter = JSON.stringify({ and: [{ '>': [{ var: 'updated_date' }, since[state]] }, { '==': [{ var: 'state' }, state] }] });
    return api.jobs({ filter, sort: 'updated_date' }, signal ? { signal } : {});
  };
  const seen = (state: keyof typeof since, date: string): void => {
    if (Date.parse(date) >= Date.parse(since[state])) since[state] = date;
  };
  return async (signal) => {
    let taken = 0;
    for (const { id, task_id, updated_date, ...job } of await changed('completed', signal)) {
      if (updated_date === undefined) continue;
      if (isDone(job) && (await take({ job: id, task: task_id, updated: updated_date }))) taken++;
      seen('completed', updated_date);
    }
    if (started === undefined) return taken;
    for (const { id, task_id, updated_date, state, start_frame, stop_frame } of await changed('in progress', signal)) {
      if (state === 'in progress') started({ job: id, task: task_id, from: start_frame, to: stop_frame });
      if (updated_date !== undefined) seen('in progress', updated_date);
    }
    return taken;
  };
}
