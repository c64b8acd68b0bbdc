/** Work that nobody waits for yet, done while nobody waits for anything else. */
import { nextTurn } from '../../mask/cooperative.ts';

export interface IdleWork {
  /** jobs: done in this order, one at a time; one that fails is left to whoever needs it. */
  add(jobs: Iterable<() => Promise<unknown>>): void;
  /** Runs what somebody waits for: no job begins before it has ended. */
  first<T>(work: () => Promise<T>): Promise<T>;
  /** Gives up the jobs that have not begun. */
  stop(): void;
}

/** turn: lets the thread hear what has come meanwhile. */
export function createIdleWork(turn: () => Promise<void> = nextTurn): IdleWork {
  const jobs: (() => Promise<unknown>)[] = [];
  let awaited = 0;
  let working = false;
  const goOn = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (;;) {
      await turn();
      const job = awaited === 0 ? jobs.shift() : undefined;
      if (job === undefined) break;
      await job().catch(() => undefined);
    }
    working = false;
  };
  return {
    add(more) {
      jobs.push(...more);
      void goOn();
    },
    async first(work) {
      awaited++;
      try {
        return await work();
      } finally {
        awaited--;
        void goOn();
      }
    },
    stop() {
      jobs.length = 0;
    },
  };
}
