/** Which of CVAT's many webhooks mean that a person is done with a job: real changes of its state or stage, each once. */
import { z } from 'zod';

const changed = z.looseObject({
  event: z.literal('update:job'),
  job: z.looseObject({
    id: z.int().min(0),
    task_id: z.int().min(0),
    state: z.string().max(50),
    stage: z.string().max(50),
    updated_date: z.string().max(50),
    start_frame: z.int().min(0).optional(),
    stop_frame: z.int().min(0).optional(),
  }),
  before_update: z.looseObject({ state: z.string().max(50).optional(), stage: z.string().max(50).optional() }),
});

/** A job to be read back. */
export interface DoneJob {
  job: number;
  task: number;
  updated: string;
}

/** Every save of annotations sends an event too, with nothing but a new date: those are none. */
export function doneJobOf(body: unknown): DoneJob | undefined {
  const { success, data } = changed.safeParse(body);
  if (!success) return undefined;
  const { job, before_update: before } = data;
  const moved = (before.state !== undefined && before.state !== job.state) || (before.stage !== undefined && before.stage !== job.stage);
  return moved && isDone(job) ? { job: job.id, task: job.task_id, updated: job.updated_date } : undefined;
}

/** A job somebody has begun to work on. */
export interface StartedJob {
  job: number;
  task: number;
  /** Its first and its last frame. */
  from: number;
  to: number;
}

export function startedJobOf(body: unknown): StartedJob | undefined {
  const { success, data } = changed.safeParse(body);
  if (!success) return undefined;
  const { id, task_id, state, start_frame: from, stop_frame: to } = data.job;
  if (state !== 'in progress' || data.before_update.state === undefined || from === undefined || to === undefined) return undefined;
  return { job: id, task: task_id, from, to };
}

/** Completed, whatever the stage; or taken to acceptance without having been sent back. */
export function isDone({ state, stage }: { state: string; stage: string }): boolean {
  return state === 'completed' || (stage === 'acceptance' && state !== 'rejected');
}

export interface JobMemory {
  /** False where the same job with the same date was told before: deliveries are repeated. */
  isNew(job: DoneJob): boolean;
  /** It failed and may be told again. */
  forget(job: DoneJob): void;
}

export function createJobMemory(entries = 10_000): JobMemory {
  const seen = new Set<string>();
  const keyOf = ({ job, updated }: DoneJob): string => `${job} ${updated}`;
  return {
    isNew(job) {
      const key = keyOf(job);
      if (seen.has(key)) return false;
      seen.add(key);
      for (const oldest of seen) {
        if (seen.size <= entries) break;
        seen.delete(oldest);
      }
      return true;
    },
    forget: (job) => void seen.delete(keyOf(job)),
  };
}
