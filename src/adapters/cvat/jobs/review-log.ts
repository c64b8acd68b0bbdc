/** Journal of CVAT's jobs, kept over restarts as JSON lines in one file per task: shapes that existed before a person finished. */
import { createLruMap } from '../../../core/common/lru-map.ts';
import type { JobState } from './job-events.ts';
import type { JobShape } from './job-shapes.ts';
import { createLineFiles } from './line-files.ts';
import { createTaskReview, keyOf, reviewEvent, type ReviewEvent, type TaskReview } from './task-review.ts';
import { taskFile, tasksIn, type RecordedTask } from './task-files.ts';

export interface ReviewLog {
  task(server: string, task: number): Promise<TaskReview>;
  /** A job as it is, or as CVAT told that it was changed from `before`. Durable once it resolves. */
  observe(server: string, job: SeenJob, before?: JobState): Promise<void>;
  /** Machine-made shapes that are in the job at that date; those seen before keep their first date. */
  sight(server: string, job: Omit<SeenJob, keyof JobState>, shapes: readonly JobShape[]): Promise<void>;
  add(server: string, task: number, events: readonly ReviewEvent[]): Promise<void>;
  /** Drops the record of a task that is no more. @default it stays */
  drop?(server: string, task: number): Promise<void>;
  /** Tasks of a server that there is a record of. @default none */
  tasks?(server: string): Promise<RecordedTask[]>;
}

export interface SeenJob extends JobState {
  job: number;
  task: number;
  /** Microseconds since 1970, by CVAT's clock; 0: unknown, which tells nothing. */
  atUs: number;
}

/** Tasks held in memory; others are read again. */
const MAX_TASKS = 200;

/** folder: without one everything is forgotten when the process ends, and then nothing counts as looked at. */
export function createReviewLog(folder?: string): ReviewLog {
  const files = folder === undefined ? undefined : createLineFiles(folder, 'What was seen of jobs of CVAT');
  // Those that are kept in no file may not be dropped.
  const tasks = createLruMap<string, Promise<TaskReview>>({ max: files === undefined ? Infinity : MAX_TASKS });
  const fileOf = (server: string, task: number): string => `${taskFile(server, task)}-seen.jsonl`;
  const load = async (file: string): Promise<TaskReview> => {
    const review = createTaskReview();
    for (const one of (await files?.read(file)) ?? []) {
      const { success, data } = reviewEvent.safeParse(one);
      if (success) review.apply(data);
    }
    return review;
  };
  const task = (server: string, id: number): Promise<TaskReview> => {
    const file = fileOf(server, id);
    const held = tasks.get(file) ?? load(file);
    tasks.set(file, held);
    held.catch(() => tasks.delete(file));
    return held;
  };
  const add: ReviewLog['add'] = async (server, id, events) => {
    if (events.length === 0) return;
    const review = await task(server, id);
    await files?.append(fileOf(server, id), events);
    events.forEach((event) => review.apply(event));
  };
  return {
    task,
    add,
    async drop(server, id) {
      tasks.delete(fileOf(server, id));
      await files?.change(fileOf(server, id), () => []);
    },
    tasks: async (server) => tasksIn((await files?.list()) ?? [], server, '-seen.jsonl'),
    async observe(server, { job, task: id, atUs, state, stage }, before) {
      if (atUs > 0) await add(server, id, (await task(server, id)).eventsOf(job, atUs, { state, stage }, before));
    },
    async sight(server, { job, task: id, atUs }, shapes) {
      const review = await task(server, id);
      const fresh = shapes.filter((shape) => !review.hasSeen(job, shape)).map(keyOf);
      if (fresh.length === 0 && review.lookedAt(job) >= atUs) return;
      await add(server, id, [{ job, seen: atUs > 0 ? atUs : Number.MAX_SAFE_INTEGER, marks: fresh }]);
    },
  };
}
