/** Events of CVAT's webhooks about jobs: changes of state or stage, saves, and deletions. */
import { z } from 'zod';
import { createLruMap } from '../../../core/common/lru-map.ts';

const id = z.int().min(0);
const changed = z.looseObject({
  event: z.literal('update:job'),
  job: z.looseObject({
    id,
    task_id: id,
    state: z.string().max(50),
    stage: z.string().max(50),
    updated_date: z.string().max(50),
    start_frame: id.optional(),
    stop_frame: id.optional(),
  }),
  before_update: z.looseObject({ state: z.string().max(50).optional(), stage: z.string().max(50).optional() }),
});
const removed = z.union([
  z.looseObject({ event: z.literal('delete:task'), task: z.looseObject({ id, project_id: id.nullish() }) }),
  z.looseObject({ event: z.literal('delete:job'), job: z.looseObject({ id, task_id: id, project_id: id.nullish() }) }),
]);

/** State and stage of a job. */
export interface JobState {
  state: string;
  stage: string;
}

/** A change of state or stage that a person made, told by CVAT at that moment. */
export interface JobChange extends JobState {
  before: JobState;
}

/** A job to be read back. */
export interface DoneJob {
  job: number;
  task: number;
  updated: string;
  /** Absent where nobody told what changed: then a machine may have saved something. */
  change?: JobChange;
}

/** A job CVAT tells of: every save of annotations, too, changes its date, and then nothing else is said to have changed. */
export function toldJobOf(body: unknown): { job: DoneJob; now: JobState } | undefined {
  const { success, data } = changed.safeParse(body);
  if (!success) return undefined;
  const { job, before_update } = data;
  const { state, stage } = job;
  const before = { state: before_update.state ?? state, stage: before_update.stage ?? stage };
  const isMoved = before.state !== state || before.stage !== stage;
  const told = { job: job.id, task: job.task_id, updated: job.updated_date };
  return { now: { state, stage }, job: { ...told, ...(isMoved && { change: { state, stage, before } }) } };
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
  const { id: job, task_id, state, start_frame: from, stop_frame: to } = data.job;
  if (state !== 'in progress' || data.before_update.state === undefined || from === undefined || to === undefined) return undefined;
  return { job, task: task_id, from, to };
}

/** A task, or one job of it, that somebody deleted. */
export interface Deleted {
  deleted: 'task' | 'job';
  task: number;
  job?: number;
  /** CVAT's project; null: the task belonged to none. */
  project: number | null;
}

export function deletedOf(body: unknown): Deleted | undefined {
  const { success, data } = removed.safeParse(body);
  if (!success) return undefined;
  if (data.event === 'delete:task') return { deleted: 'task', task: data.task.id, project: data.task.project_id ?? null };
  return { deleted: 'job', task: data.job.task_id, job: data.job.id, project: data.job.project_id ?? null };
}

const STAGES = ['annotation', 'validation', 'acceptance'];

/** Completed, whatever the stage; or handed on to a later stage, where nobody has begun yet: the work of the stage before is finished. */
export function isDone({ state, stage }: JobState): boolean {
  return state === 'completed' || (state === 'new' && STAGES.indexOf(stage) > 0);
}

/**
 * Whether a person finished work on a job by this change, and so looked at what was in it. CVAT sets the state back to "new" where
 * the stage is moved: a job that was new before, too, was only handed on, and nobody has opened it.
 */
export function isFinishing(before: JobState, after: JobState): boolean {
  const isLater = STAGES.indexOf(after.stage) > STAGES.indexOf(before.stage);
  if (after.state === 'completed') return before.state !== 'completed' || isLater;
  return isDone(after) && isLater && (before.state === 'completed' || before.state === 'in progress');
}

export interface JobMemory {
  /** False where the same job with the same date was told before, as well or better: deliveries are repeated. */
  isNew(job: DoneJob): boolean;
  /** It failed and may be told again. */
  forget(job: DoneJob): void;
}

export function createJobMemory(entries = 10_000): JobMemory {
  const seen = createLruMap<string, true>({ max: entries });
  const keyOf = ({ job, updated }: DoneJob, isChange: boolean): string => `${job} ${updated}${isChange ? ' changed' : ''}`;
  return {
    isNew(job) {
      if (seen.has(keyOf(job, true)) || (job.change === undefined && seen.has(keyOf(job, false)))) return false;
      seen.set(keyOf(job, job.change !== undefined), true);
      return true;
    },
    forget: (job) => void seen.delete(keyOf(job, job.change !== undefined)),
  };
}
