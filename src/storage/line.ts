/** A line in front of something of which there is only so much: first come, first served, and nobody stands in it for ever. */
import { within } from '../core/common/patience.ts';

export interface Line {
  /** Resolves to what gives the place back. @throws what `late` makes, after waiting too long; the reason of the signal */
  place(signal?: AbortSignal): Promise<() => void>;
  /** Whether nobody is in it. */
  readonly empty: boolean;
}

export interface LineOptions {
  /** Users at the same time. */
  places: number;
  /** Longest wait. */
  waitMs: number;
  late: () => Error;
}

export function createLine({ places, waitMs, late }: LineOptions): Line {
  let taken = 0;
  const waiting = new Set<() => void>();
  const giveBack = (): void => {
    const [next] = waiting;
    if (next) next();
    else taken--;
  };
  /** Given back once, however often somebody says so. */
  const lend = (): (() => void) => {
    let back = false;
    return () => {
      if (!back) giveBack();
      back = true;
    };
  };
  return {
    get empty() {
      return taken === 0;
    },
    async place(signal) {
      signal?.throwIfAborted();
      if (taken < places) {
        taken++;
        return lend();
      }
      let enter = (): void => undefined;
      const turn = new Promise<void>((resolve) => {
        enter = () => {
          waiting.delete(enter);
          resolve();
        };
        waiting.add(enter);
      });
      try {
        await within(turn, { ms: waitMs, late, signal });
      } catch (error) {
        // The turn may have come at the same moment.
        if (!waiting.delete(enter)) giveBack();
        throw error;
      }
      return lend();
    },
  };
}
