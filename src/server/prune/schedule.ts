/** Prunes again and again while the service runs. */
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import type { PruneReport } from './prune.ts';

export interface PruneScheduleParts {
  /** Milliseconds from the start to the first, and between two. */
  firstMs: number;
  everyMs: number;
  prune: (signal: AbortSignal) => Promise<PruneReport>;
  log: Log;
  onProblem: (error: unknown) => void;
}

export interface PruneSchedule {
  /** Ends what is under way and resolves when it has ended. */
  close(): Promise<void>;
}

export function startPruning({ firstMs, everyMs, prune, log, onProblem }: PruneScheduleParts): PruneSchedule {
  const closing = new AbortController();
  const { signal } = closing;
  const once = async (): Promise<void> => {
    try {
      const { items, heldOff } = await prune(signal);
      const gone = items.filter(({ count }) => count > 0).map(({ what, count, bytes }) => ({ what, count, bytes }));
      if (gone.length > 0) log.info({ pruned: gone }, 'removed what nobody needs any more');
      if (heldOff !== undefined) log.info({ why: heldOff }, 'pruned later');
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ error: messageOf(error) }, 'pruning failed; it is tried again at the next time');
      onProblem(error);
    }
  };
  const running = (async () => {
    let next = firstMs;
    for (;;) {
      // A service that does nothing else keeps no process alive.
      await wait(next, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await once();
      next = everyMs;
    }
  })();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
