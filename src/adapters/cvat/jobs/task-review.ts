/**
 * A task's jobs over time, as far as it tells which machine-made shapes a person looked at. A machine's shape was looked at where it was
 * in the job before a person finished work on it, and is still there: CVAT dates every save of a job, so dates of its own tell that.
 */
import { z } from 'zod';
import { isDone, isFinishing, type JobState } from './job-events.ts';
import type { JobShape } from './job-shapes.ts';

const at = z.int().min(0);
/** One line of the record of a task; lines may be read in any order and more than once. Dates are microseconds since 1970. */
export type ReviewEvent =
  /** State of a job at that date. */
  | { job: number; at: number; state: string; stage: string }
  /** Work was finished at `finished` at the latest: shapes that were there at `upTo` had been looked at by then. */
  | { job: number; finished: number; upTo: number }
  /** Found finished, without a date of finishing. */
  | { job: number; found: number }
  /** Machine-made shapes that were there at that date: "id content". */
  | { job: number; seen: number; marks: string[] }
  /** Handed to the service, or taken back from it. */
  | { key: string; revision: number; lesson?: string | undefined }
  /** Most of a job was gone at once after work was finished then: not believed. */
  | { job: number; doubted: number };

/** Schema of ReviewEvent. */
export const reviewEvent: z.ZodType<ReviewEvent> = z.union([
  z.object({ job: z.int(), at, state: z.string(), stage: z.string() }),
  z.object({ job: z.int(), finished: at, upTo: z.int() }),
  z.object({ job: z.int(), found: at }),
  z.object({ job: z.int(), seen: at, marks: z.array(z.string()) }),
  z.object({ key: z.string(), revision: at, lesson: z.string().optional() }),
  z.object({ job: z.int(), doubted: at }),
]);

interface JobRecord {
  state?: JobState;
  at: number;
  finished: number;
  upTo: number;
  found: number;
  doubted: number;
  /** Date of the last look at the shapes. */
  looked: number;
  /** First date a machine's shape was seen at, by its id and content. */
  seen: Map<string, number>;
}

/** A lesson as it was handed in last; without a hash it was taken back. */
export interface HandedIn {
  revision: number;
  lesson?: string | undefined;
}

export interface TaskReview {
  apply(event: ReviewEvent): void;
  /** New events of a job; before: the preceding state where CVAT reported it. */
  eventsOf(job: number, atUs: number, state: JobState, before?: JobState): ReviewEvent[];
  /** Whether a program made this: said so, or the very same was seen before as a program's. */
  isMachines: (shape: JobShape) => boolean;
  hasSeen(job: number, shape: JobShape): boolean;
  isReviewed(job: number, shape: JobShape): boolean;
  /** Date of the last look at the shapes of the job, -1 before the first. */
  lookedAt(job: number): number;
  /** Whether a person finished work on exactly this state of the job. 'likely': within the time between two looks. */
  finishedAs(job: number, atUs: number): 'surely' | 'likely' | undefined;
  /** Time a person last finished work on it, as far as known; -1: never. */
  finishedAt(job: number): number;
  doubtedAt(job: number): number;
  handedIn(key: string): HandedIn | undefined;
}

/** Dates are microseconds since 1970. */
export function createTaskReview(): TaskReview {
  const jobs = new Map<number, JobRecord>();
  /** Lowest number of a shape (or track) of each content that was said to be a program's. */
  const machines = new Map<string, number>();
  const handed = new Map<string, HandedIn>();
  const of = (job: number): JobRecord => {
    const found = jobs.get(job) ?? { at: -1, finished: -1, upTo: -1, found: -1, doubted: -1, looked: -1, seen: new Map<string, number>() };
    jobs.set(job, found);
    return found;
  };

  function apply(event: ReviewEvent): void {
    if ('key' in event) {
      const { key, ...rest } = event;
      handed.set(key, rest);
      return;
    }
    const record = of(event.job);
    if ('state' in event) {
      if (event.at > record.at) Object.assign(record, { at: event.at, state: { state: event.state, stage: event.stage } });
    } else if ('finished' in event) {
      record.finished = Math.max(record.finished, event.finished);
      record.upTo = Math.max(record.upTo, event.upTo);
    } else if ('found' in event) record.found = Math.max(record.found, event.found);
    else if ('doubted' in event) record.doubted = Math.max(record.doubted, event.doubted);
    else {
      record.looked = Math.max(record.looked, event.seen);
      for (const shape of event.marks) {
        record.seen.set(shape, Math.min(event.seen, record.seen.get(shape) ?? Infinity));
        const [id = '', content = ''] = shape.split(' ');
        const origin = `${id[0]} ${content}`;
        machines.set(origin, Math.min(Number(id.slice(1)), machines.get(origin) ?? Infinity));
      }
    }
  }

  return {
    apply,
    eventsOf(job, atUs, now, before) {
      const record = of(job);
      const events: ReviewEvent[] = [];
      const { state } = record;
      if (before) {
        if (isFinishing(before, now) && record.upTo < atUs) events.push({ job, finished: atUs, upTo: atUs });
      } else if (state === undefined) {
        if (isDone(now)) events.push({ job, found: atUs });
      } else if (atUs > record.at && isFinishing(state, now)) {
        // Somewhere between the two dates; only what was there at the first one was surely looked at.
        events.push({ job, finished: atUs, upTo: record.at });
      }
      if (atUs > record.at) events.push({ job, at: atUs, state: now.state, stage: now.stage });
      return events;
    },
    isMachines({ id, content, source }) {
      if (source !== 'manual' && source !== 'semi-auto') return true;
      // A copy has a higher number: what a person drew first stays theirs whoever copies it.
      return (machines.get(`${id[0]} ${content}`) ?? Infinity) < Number(id.slice(1));
    },
    hasSeen: (job, shape) => jobs.get(job)?.seen.has(keyOf(shape)) === true,
    isReviewed: (job, shape) => (jobs.get(job)?.seen.get(keyOf(shape)) ?? Infinity) <= (jobs.get(job)?.upTo ?? -1),
    lookedAt: (job) => jobs.get(job)?.looked ?? -1,
    finishedAs(job, atUs) {
      const record = jobs.get(job);
      if (record === undefined) return undefined;
      if (record.upTo >= atUs) return 'surely';
      return record.finished >= atUs ? 'likely' : undefined;
    },
    finishedAt(job) {
      const record = jobs.get(job);
      return Math.max(record?.finished ?? -1, record?.found ?? -1);
    },
    doubtedAt: (job) => jobs.get(job)?.doubted ?? -1,
    handedIn: (key) => handed.get(key),
  };
}

export function keyOf({ id, content }: JobShape): string {
  return `${id} ${content}`;
}
