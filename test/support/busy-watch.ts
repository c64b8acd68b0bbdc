/** How long a thread works without giving its event loop a turn: processor time, so that other programs on the machine do not count. */

export interface BusyWatch {
  /** Longest stretch since the last question, in milliseconds. */
  longestMs(): number;
  stop(): void;
}

/** Of the thread that calls it. */
export function watchBusy(): BusyWatch {
  let longest = 0;
  let before = processorMs();
  const look = (): void => {
    const now = processorMs();
    longest = Math.max(longest, now - before);
    before = now;
  };
  const timer = setInterval(look, 1);
  return {
    longestMs() {
      look();
      const found = longest;
      longest = 0;
      return found;
    },
    stop: () => clearInterval(timer),
  };
}

function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Processor time of this thread that work takes, in milliseconds. */
export function processorTime(work: () => unknown): number {
  const before = processorMs();
  work();
  return processorMs() - before;
}

/** What a count to fifty million takes where the limits of the tests were chosen. */
const COUNTED_MS = 60;

/** A limit for processor time that was chosen on an ordinary machine, as it is on this one and in this moment. */
export function onThisMachine(milliseconds: number): number {
  let sum = 0;
  const counted = processorTime(() => {
    for (let i = 0; i < 50_000_000; i++) sum = (sum + i) | 0;
  });
  return milliseconds * Math.max(1, counted / COUNTED_MS, sum * 0);
}
