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
