/** Fetches messages and hands them to a handler, whichever queue they wait in. */
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../core/common/errors.ts';
import type { Log } from '../service/ports/log.ts';
import type { WorkContext } from '../service/ports/storage.ts';

/** One message while it is handled. */
export interface Held {
  data: unknown;
  /** From 1. */
  attempt: number;
  done(): Promise<void>;
  /** Comes again later, or is given up after too many attempts. */
  failed(error: unknown): Promise<void>;
  /** Not handled because this worker had to stop: comes again at once. */
  returned(): Promise<void>;
}

export interface WorkLoop {
  /** Looks for messages now instead of at the next poll. */
  wake(): void;
  /** Asks handlers to stop and resolves when none runs. */
  stop(): Promise<void>;
}

export interface WorkLoopOptions {
  name: string;
  concurrency: number;
  pollMs: number;
  /** undefined: none is due. */
  fetch: () => Promise<Held | undefined>;
  handle: (data: unknown, context: WorkContext) => Promise<void>;
  log: Log;
}

/** After trouble with the store itself. */
const TROUBLE_MS = 1000;

export function startWorkLoop({ name, concurrency, pollMs, fetch, handle, log }: WorkLoopOptions): WorkLoop {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = new Set<Promise<void>>();
  let awake = new AbortController();
  const wake = (): void => awake.abort();

  const handleOne = async (held: Held): Promise<void> => {
    try {
      await attempt(held);
    } catch (error) {
      // What became of it could not be written down: it comes again once its time is over.
      log.error({ queue: name, error: messageOf(error) }, 'a message is handled again, because its end could not be stored');
    }
  };
  const attempt = async (held: Held): Promise<void> => {
    try {
      await handle(held.data, { signal, attempt: held.attempt });
    } catch (error) {
      if (signal.aborted) return held.returned();
      log.warn({ queue: name, error: messageOf(error) }, 'a message could not be handled');
      return held.failed(error);
    }
    return held.done();
  };
  const pause = async (ms: number): Promise<void> => {
    await wait(ms, undefined, { signal: AbortSignal.any([awake.signal, signal]) }).catch(() => undefined);
  };
  const look = async (): Promise<void> => {
    while (!signal.aborted) {
      if (running.size >= concurrency) {
        await Promise.race(running);
        continue;
      }
      // Renewed before looking: a message sent while the look is under way must not be slept through.
      if (awake.signal.aborted) awake = new AbortController();
      try {
        const held = await fetch();
        if (held === undefined) await pause(pollMs);
        else {
          const handling: Promise<void> = handleOne(held).finally(() => running.delete(handling));
          running.add(handling);
        }
      } catch (error) {
        log.warn({ queue: name, error: messageOf(error) }, 'the queue does not answer');
        await wait(TROUBLE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  };
  const looking = look();
  return {
    wake,
    async stop() {
      stopping.abort();
      await looking;
      await Promise.all(running);
    },
  };
}
