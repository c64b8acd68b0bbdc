/** Long loops over pixels as generators that pause now and then, so that they run at once or in turns with everything else on the thread. */

export type Steps<T> = Generator<undefined, T, undefined>;

/** Pixels (or corners, or runs) between two pauses: a millisecond of work or so. */
export const PAUSE_AFTER = 2 ** 14;

/** To the end without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Longest stretch of work before others get their turn. */
const SLICE_MS = 8;

/** To the end, giving the event loop a turn every few milliseconds. Rejects with the signal's reason once it aborts. */
export async function inTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    const until = performance.now() + SLICE_MS;
    while (performance.now() < until) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
    await new Promise<void>((resume) => setImmediate(resume));
  }
}
