/** Keeps a run this learner's while it works on it, tells how far it is, and notices when it is no longer. */
import type { Log } from '../service/ports/log.ts';
import { messageOf } from '../core/common/errors.ts';
import type { RunStore } from '../service/ports/versions.ts';

export interface Lease {
  /** Aborts when the run is no longer this learner's. */
  readonly lost: AbortSignal;
  /** Told with the next renewal. */
  progress: Record<string, unknown>;
  /** Renews now. @throws what the store throws */
  renew(): Promise<boolean>;
  /** Resolves when no renewal is on its way. */
  stop(): Promise<void>;
}

export interface LeaseOptions {
  runs: Pick<RunStore, 'renew'>;
  run: string;
  holder: string;
  leaseMs: number;
  now: () => number;
  log: Log;
}

/** Longest time between two progress updates. */
const MAX_BETWEEN_MS = 2_000;

export function holdLease({ runs, run, holder, leaseMs, now, log }: LeaseOptions): Lease {
  const lost = new AbortController();
  let until = now() + leaseMs;
  let renewing: Promise<unknown> = Promise.resolve();
  let stopped = false;
  const renew = async (): Promise<boolean> => {
    const asked = now();
    const mine = await runs.renew(run, holder, { leaseMs, nowMs: asked, progress: { ...lease.progress } });
    if (mine) until = asked + leaseMs;
    else lost.abort();
    return mine;
  };
  const lease: Lease = {
    lost: lost.signal,
    progress: {},
    renew,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await renewing;
    },
  };
  const next = (): NodeJS.Timeout => setTimeout(() => void (renewing = tick()), Math.min(MAX_BETWEEN_MS, leaseMs / 4));
  const tick = async (): Promise<void> => {
    await renew().catch((error: unknown) => {
      log.warn({ run, error: messageOf(error) }, 'the lease of the run could not be renewed');
      if (now() >= until) lost.abort(); // by now somebody else may have it
    });
    if (!stopped && !lost.signal.aborted) timer = next();
  };
  let timer = next();
  return lease;
}
