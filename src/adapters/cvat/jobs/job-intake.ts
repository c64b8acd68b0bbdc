/** Jobs that people are done with, and work they deleted or moved: taken from webhooks and from looks at CVAT, each worked off once. */
import { messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import type { Service } from '../../../service/types.ts';
import type { Queue } from '../../../service/ports/storage.ts';
import { OutboundError } from '../../http/outbound-response.ts';
import type { AnswerLog } from '../annotate/answer-log.ts';
import { forgetDeleted } from './deleted-work.ts';
import { dropOldRecords } from './drop-records.ts';
import { createRecordFollower } from './follow-records.ts';
import { createTaskFollower, type Strayed } from './follow-tasks.ts';
import { createJobMemory, type Deleted, type DoneJob, type StartedJob } from './job-events.ts';
import { createKnownTasks } from './known-tasks.ts';
import { learnJob } from './learn-job.ts';
import { lookAtJob, revisionOf } from './look-at-job.ts';
import type { PollCursor } from './poll-cursor.ts';
import { createJobPoll } from './poll-jobs.ts';
import { followStrayed, type StrayedParts } from './strayed-work.ts';
import type { CvatJob } from '../api/types.ts';
import type { ReviewLog } from './review-log.ts';
import type { ReviewNotes } from './review-notes.ts';
import type { CvatApi, FrameIndex, UploadLog } from '../types.ts';

export interface IntakeOptions {
  api: CvatApi;
  service: Pick<Service, 'annotations' | 'projects'>;
  frames: FrameIndex;
  name: string;
  log: Log;
  uploads?: UploadLog;
  answers?: Partial<Pick<AnswerLog, 'drop' | 'dropTask' | 'tasks'>>;
  reviews: ReviewLog;
  notes: ReviewNotes;
  queue?: Queue;
  pollMs: number;
  /** Called when work on a job begins. */
  started?: (job: StartedJob) => void;
  cursor?: PollCursor;
  lookBackMs?: number;
  nowMs?: () => number;
}

export interface Intake {
  /** Resolves once it is kept, to whether it is new. */
  take: (job: DoneJob) => Promise<boolean>;
  /** Resolves once it is kept. */
  takeDeleted: (what: Deleted) => Promise<void>;
  /** The state of a job changed, and it is not done; resolves once that is kept. */
  changed: (job: DoneJob) => Promise<void>;
  /** Resolves to what stops it. */
  work(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

type Work = DoneJob | Deleted | Strayed;

/** Name of its messages. */
const CVAT_JOB = 'cvat-job';
/** Tries before a job is given up. */
const ATTEMPTS = 8;
/** Reading a large job back takes minutes. */
const VISIBLE_AFTER_MS = 1_800_000;

const DAY_MS = 86_400_000;

export function createIntake(options: IntakeOptions): Intake {
  const { api, queue, log, pollMs, started, cursor, lookBackMs, reviews, name, nowMs = Date.now } = options;
  const parts: StrayedParts = options;
  const memory = createJobMemory();
  const closing = new AbortController();
  /** Tail of a chain that runs tasks one after another where no queue does. */
  let last: Promise<unknown> = Promise.resolve();

  const workOff = async (what: Work, signal: AbortSignal): Promise<void> => {
    if ('strayed' in what) await followStrayed(parts, what, signal);
    else if (!('deleted' in what)) await learnJob(parts, what, signal);
    else for (const job of (await forgetDeleted(options, what, signal)) ?? []) await learnJob(parts, { job }, signal);
  };
  const later = (what: Work, onFailure: () => void): void => {
    last = last
      .then(() => workOff(what, closing.signal))
      .catch((error: unknown) => {
        onFailure();
        if (!closing.signal.aborted) log.error({ ...what }, `cvat: a job could not be read back: ${messageOf(error)}`);
      });
  };

  const take = async (job: DoneJob): Promise<boolean> => {
    if (!memory.isNew(job)) return false;
    if (queue === undefined) {
      later(job, () => memory.forget(job));
      return true;
    }
    try {
      // What a person changed is told once only, so it must not be taken for the same as another message.
      const which = job.change ? `${job.job} ${job.updated}` : job.job;
      await queue.send({ name: CVAT_JOB, key: `${api.url} ${which}`, data: job });
    } catch (error) {
      memory.forget(job);
      throw error;
    }
    return true;
  };

  const look = async ({ id, task_id, updated_date }: CvatJob, signal: AbortSignal | undefined): Promise<void> => {
    try {
      const review = await reviews.task(api.url, task_id);
      if (review.lookedAt(id) < revisionOf(updated_date)) await lookAtJob(options, id, signal);
    } catch (error) {
      if (signal?.aborted !== true) log.warn({ job: id }, `cvat: a job could not be looked at: ${messageOf(error)}`);
    }
  };
  /** Work may have been deleted while nobody listened: then nothing waits there any more. */
  const dropOldNotes = async (signal: AbortSignal): Promise<void> => {
    for (const { server, task, job } of options.notes.list()) {
      if (server !== api.url) continue;
      await api.job(job, { signal }).catch((error: unknown) => {
        if (error instanceof OutboundError && error.answered === 404) options.notes.drop(server, { task, job });
      });
    }
  };
  let droppedMs = -Infinity;
  const dropRecordsDaily = async (signal: AbortSignal): Promise<void> => {
    if (nowMs() - droppedMs < DAY_MS) return;
    droppedMs = nowMs();
    await dropOldRecords(options, droppedMs, signal);
  };
  const poll = createJobPoll({
    ...{ api, take, look, nowMs, ...(started && { started }), ...(lookBackMs !== undefined && { lookBackMs }) },
    cursor: cursor && { read: () => cursor.read(api.url), write: (date) => cursor.write(api.url, date) },
  });
  const known = createKnownTasks(options.service, name);
  const follow = createTaskFollower({
    ...{ api, name, log, known },
    async take(what) {
      if (queue) await queue.send({ name: CVAT_JOB, key: `${api.url} ${what.strayed} ${what.task} ${what.from}`, data: what });
      else later(what, () => undefined);
    },
  });
  const followRecords = createRecordFollower({ ...options, known });
  const pollFor = (signal: AbortSignal): (() => Promise<void>) => {
    let timer: NodeJS.Timeout | undefined;
    let looking: Promise<void> = Promise.resolve();
    let isFirst = true;
    const again = (): void => {
      looking = (isFirst ? dropOldNotes(signal) : Promise.resolve())
        .then(() => poll(signal))
        .then(() => follow(signal))
        .then(() => followRecords(signal))
        .then(() => dropRecordsDaily(signal))
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn({}, `cvat: its jobs could not be looked at: ${messageOf(error)}`);
        })
        .then(() => {
          isFirst = false;
          if (!signal.aborted) timer = setTimeout(again, pollMs).unref();
        });
    };
    again();
    return async () => {
      clearTimeout(timer);
      await looking;
      clearTimeout(timer);
    };
  };

  return {
    take,
    async takeDeleted(what) {
      if (queue) await queue.send({ name: CVAT_JOB, key: `${api.url} deleted ${what.task} ${what.job ?? ''}`, data: what });
      else later(what, () => undefined);
    },
    async changed({ job, task, updated, change }) {
      if (change) await reviews.observe(api.url, { job, task, atUs: revisionOf(updated), ...change }, change.before);
    },
    async work() {
      const stopping = new AbortController();
      const signal = AbortSignal.any([stopping.signal, closing.signal]);
      const stopQueue = await queue?.work(CVAT_JOB, (data, context) => workOff(data as Work, AbortSignal.any([signal, context.signal])), {
        attempts: ATTEMPTS,
        visibleAfterMs: VISIBLE_AFTER_MS,
      });
      const stopPoll = pollMs > 0 ? pollFor(signal) : undefined;
      return async () => {
        stopping.abort();
        await stopPoll?.();
        await stopQueue?.();
      };
    },
    async close() {
      closing.abort();
      await last;
    },
  };
}
