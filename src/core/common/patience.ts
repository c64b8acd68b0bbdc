/** Waiting for somebody else's work, but no longer than one wants to. */

export interface Patience {
  /** Longest wait; the work itself goes on. @default no limit */
  ms?: number | undefined;
  /** Error of a wait that was too long. */
  late?: () => Error;
  /** Ends the wait alone, with its reason. */
  signal?: AbortSignal | undefined;
}

/** A thread that was held up, or a process that was stopped, loses one part of the time at most: what came meanwhile is heard first. */
const PARTS = 8;

/** Settles as the work does, unless the time or the signal ends first; the outcome afterwards is ignored. */
export function within<T>(work: Promise<T>, { ms, late = tooLate, signal }: Patience): Promise<T> {
  if (ms === undefined && signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const gone = (): void => end(() => reject(signal?.reason as Error));
    let parts = 0;
    const tick = (): void => {
      if (++parts === PARTS) end(() => reject(late()));
    };
    const timer = ms === undefined ? undefined : setInterval(tick, Math.ceil(ms / PARTS));
    const end = (how: () => void): void => {
      clearInterval(timer);
      signal?.removeEventListener('abort', gone);
      how();
    };
    work.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(asError(error))),
    );
    if (signal?.aborted === true) gone();
    else signal?.addEventListener('abort', gone, { once: true });
  });
}

function asError(thrown: unknown): Error {
  return thrown as Error;
}

function tooLate(): Error {
  return new Error('it took too long');
}
