/** A few at a time: single tasks somebody is looking at go before those of batches. */

export interface Slots {
  run<T>(urgent: boolean, work: () => Promise<T>): Promise<T>;
}

export function createSlots(concurrency: number): Slots {
  let running = 0;
  const urgentOnes: (() => void)[] = [];
  const others: (() => void)[] = [];
  return {
    async run(urgent, work) {
      if (running < concurrency) running++;
      // Whoever ends hands its place on.
      else await new Promise<void>((resume) => (urgent ? urgentOnes : others).push(resume));
      try {
        return await work();
      } finally {
        const next = urgentOnes.shift() ?? others.shift();
        if (next) next();
        else running--;
      }
    },
  };
}
