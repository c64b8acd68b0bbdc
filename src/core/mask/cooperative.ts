/** Long loops over pixels as generators that pause now and then, so that they run at once or in turns with everything else on the thread. */

export type Steps<T> = Generator<undefined, T, undefined>;

/** Pixels (or corners, or runs) between two pauses: a millisecond of work or so. */
export const PAUSE_AFTER = 2 ** 14;

/** Pixels between two pauses of a loop that does next to nothing with each. */
export const PAUSE_AFTER_PLAIN = 16 * PAUSE_AFTER;

/** To the end without a pause. */
export function runStepsSync<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Longest stretch of work before others get their turn. */
const SLICE_MS = 8;

/** The next turn of the event loop; browsers have no setImmediate. */
const later = (work: () => void): void => {
  const { setImmediate: next = (then: () => void) => setTimeout(then, 0) } = globalThis as { setImmediate?: (then: () => void) => unknown };
  next(work);
};

/** Resolves in the next turn of the event loop: what has come meanwhile was heard. */
export function nextTurn(): Promise<void> {
  return new Promise(later);
}

/** Work that waits for its slice. */
const waiting: (() => void)[] = [];
let scheduled = false;

/** Runs one slice per turn of the event loop, whoever it belongs to: twenty masks at once hold others up no longer than one. */
function runNext(): void {
  const next = waiting.shift();
  if (next === undefined) {
    scheduled = false;
    return;
  }
  later(runNext);
  next();
}

/**
 * To the end, giving the event loop a turn every few milliseconds; all work of the thread shares one slice a turn, in the order it
 * asked. Rejects with the signal's reason once it aborts.
 */
export function runSteps<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const slice = (): void => {
      try {
        signal?.throwIfAborted();
        const until = performance.now() + SLICE_MS;
        do {
          const { done, value } = steps.next();
          if (done === true) {
            resolve(value);
            return;
          }
        } while (performance.now() < until);
        waiting.push(slice);
      } catch (error) {
        const reason = error as Error;
        reject(reason);
      }
    };
    if (scheduled) waiting.push(slice);
    else {
      // The first of a turn begins at once; whoever comes in the same turn waits for the next.
      scheduled = true;
      later(runNext);
      slice();
    }
  });
}
