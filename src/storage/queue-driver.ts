/** Common part of both queues: their workers, and the pause of a message after a failure. */
import type { Log } from '../service/ports/log.ts';
import { MAX_DELAY_MS } from '../service/ports/message.ts';
import type { Message, Queue, WorkContext, WorkOptions } from '../service/ports/storage.ts';
import type { Outbox } from './schema/database.ts';
import type { Change, Connection } from './schema/schema.ts';
import { startWorkLoop, type Held, type WorkLoop } from './work-loop.ts';

/** A queue as the store and the mover of databases see it. */
export interface DrivenQueue extends Queue {
  readonly outbox: Outbox;
  /** Everything not handled to the end yet; moment: as a transaction sees it. */
  pending(moment?: Connection): AsyncIterable<Message>;
  /** Removes every message. */
  clear(change: Change): Promise<void>;
}

/** Milliseconds between looks for messages that a worker did not hear of. */
export const POLL_MS = 250;
export const FIRST_REST_MS = 1000;
export const LONGEST_REST_MS = 300_000;
export const DEFAULT_VISIBLE_MS = 60_000;
export const DEFAULT_ATTEMPTS = 5;

/** 1 s after the first failure, twice as long after each further one, at most 5 minutes. */
export function backoffMs(failures: number): number {
  return Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (failures - 1));
}

/** Between two looks for what is due too far ahead, in milliseconds. */
export const CLOCK_CHECK_MS = 5000;
/** Clocks of several machines differ by less. */
export const CLOCK_SKEW_MS = 60_000;

/** Delay of a message as queues keep it. */
export function legalDelayMs({ delayMs = 0 }: Message): number {
  return Math.min(Math.max(0, delayMs), MAX_DELAY_MS);
}

/** Longest time a message that was taken once waits for its next turn. */
export function longestRestMs(visibleAfterMs: number): number {
  return Math.max(visibleAfterMs, LONGEST_REST_MS) + CLOCK_SKEW_MS;
}

/** Lets work through at most once in that time, by a clock nobody corrects. */
export function createRarely(everyMs: number): () => boolean {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < everyMs) return false;
    last = now;
    return true;
  };
}

type Handler = (data: unknown, context: WorkContext) => Promise<void>;

export interface Workers {
  /** -> stops it */
  start(name: string, options: WorkOptions, handle: Handler, fetch: () => Promise<Held | undefined>): () => Promise<void>;
  /** names: queues that have something new. @default all */
  wake(names?: readonly string[]): void;
  stop(): Promise<void>;
}

export function createWorkers(log: Log, pollMs: number): Workers {
  const loops = new Map<WorkLoop, string>();
  return {
    start(name, { concurrency = 1 }, handle, fetch) {
      const loop = startWorkLoop({ name, concurrency, pollMs, fetch, handle, log });
      loops.set(loop, name);
      return async () => {
        await loop.stop();
        loops.delete(loop);
      };
    },
    wake(names) {
      for (const [loop, name] of loops) if (names === undefined || names.includes(name)) loop.wake();
    },
    async stop() {
      await Promise.all([...loops.keys()].map((loop) => loop.stop()));
    },
  };
}
