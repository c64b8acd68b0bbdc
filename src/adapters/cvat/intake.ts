/** Jobs that people are done with: taken from webhooks and from looks at CVAT, each read back once. */
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Service } from '../../core/service-types.ts';
import type { Queue } from '../../core/storage-ports.ts';
import { createJobMemory, type DoneJob, type StartedJob } from './job-events.ts';
import { learnJob } from './learn-job.ts';
import { createJobPoll } from './poll-jobs.ts';
import type { CvatApi, FrameBook, UploadBook } from './types.ts';

export interface IntakeOptions {
  api: CvatApi;
  service: Pick<Service, 'accept' | 'remove' | 'annotations'>;
  frames: FrameBook;
  name: string;
  log: Log;
  uploads?: UploadBook;
  queue?: Queue;
  pollMs: number;
  /** Somebody has begun to work on a job. */
  started?: (job: StartedJob) => void;
  lookBackMs?: number;
  nowMs?: () => number;
}

export interface Intake {
  /** Resolves once it is kept, to whether it is new. */
  take: (job: DoneJob) => Promise<boolean>;
  /** Resolves to what stops it. */
  work(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Name of its messages. */
export const CVAT_JOB = 'cvat-job';
/** Tries before a job is given up. */
const ATTEMPTS = 8;
/** Reading a large job back takes minutes. */
const VISIBLE_AFTER_MS = 1_800_000;

export function createIntake(options: IntakeOptions): Intake {
  const { api, queue, log, pollMs, started, lookBackMs, nowMs = Date.now } = options;
  const memory = createJobMemory();
  const closing = new AbortController();
  /** Jobs wait for each other where no queue keeps them. */
  let last: Promise<unknown> = Promise.resolve();

  const take = async (job: DoneJob): Promise<boolean> => {
    if (!memory.isNew(job)) return false;
    if (queue) {
      try {
        await queue.send({ name: CVAT_JOB, key: `${api.url} ${job.job}`, data: job });
      } catch (error) {
        memory.forget(job);
        throw error;
      }
      return true;
    }
    last = last
      .then(() => learnJob(options, job.job, closing.signal))
      .catch((error: unknown) => {
        memory.forget(job);
        if (!closing.signal.aborted) log.error({ job: job.job }, `cvat: a job could not be read back: ${messageOf(error)}`);
      });
    return true;
  };

  const poll = createJobPoll({ api, take, nowMs, ...(started && { started }), ...(lookBackMs !== undefined && { lookBackMs }) });
  const pollFor = (signal: AbortSignal): (() => Promise<void>) => {
    let timer: NodeJS.Timeout | undefined;
    let looking: Promise<void> = Promise.resolve();
    const look = (): void => {
      looking = poll(signal)
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn({}, `cvat: its jobs could not be looked at: ${messageOf(error)}`);
        })
        .then(() => {
          if (!signal.aborted) timer = setTimeout(look, pollMs).unref();
        });
    };
    look();
    return async () => {
      clearTimeout(timer);
      await looking;
      clearTimeout(timer);
    };
  };

  return {
    take,
    async work() {
      const stopping = new AbortController();
      const signal = AbortSignal.any([stopping.signal, closing.signal]);
      const stopQueue = await queue?.work(
        CVAT_JOB,
        async (data, context) => {
          await learnJob(options, (data as DoneJob).job, AbortSignal.any([signal, context.signal]));
        },
        { attempts: ATTEMPTS, visibleAfterMs: VISIBLE_AFTER_MS },
      );
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
