/** Common part of both queues: their workers, and the pause of a message after a failure. */
import type { Log } from '../service/ports/log.ts';
import type { Message, Queue, WorkOptions } from '../service/ports/storage.ts';
import type { Outbox } from './schema/database.ts';
import { startWorkLoop, type Held, type WorkLoop } from './work-loop.ts';

/** A queue as the store and the mover of databases see it. */
export interface DrivenQueue extends Queue {
  readonly outbox: Outbox;
  /** Everything not handled to the end yet. */
  pending(): AsyncIterable<Message>;
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

type Handler = (data: unknown, context: { signal: AbortSignal }) => Promise<void>;

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
