/** A limit for what may take any time on a slow machine, as long as it moves: on the time in which nothing new is seen. */

/** A quarter of an hour. */
const STILL_MS = 900_000;
const LOOK_MS = 1000;

export interface Stillness {
  /** Tells what there is to see, under a name; the time begins anew where it differs from the last. */
  saw: (name: string, what: string) => void;
  /** The work's own result. @throws where nothing new was seen for too long */
  during<T>(work: Promise<T>): Promise<T>;
}

export function watchStillness(limitMs = STILL_MS, lookMs = LOOK_MS): Stillness {
  const seen = new Map<string, string>();
  let movedAt = performance.now();
  return {
    saw(name, what) {
      if (seen.get(name) === what) return;
      seen.set(name, what);
      movedAt = performance.now();
    },
    async during(work) {
      let timer: NodeJS.Timeout | undefined;
      const still = new Promise<never>((_, reject) => {
        timer = setInterval(() => {
          if (performance.now() - movedAt < limitMs) return;
          reject(new Error(`nothing new for ${limitMs / 1000} s; last seen: ${JSON.stringify(Object.fromEntries(seen))}`));
        }, lookMs);
      });
      try {
        return await Promise.race([work, still]);
      } finally {
        clearInterval(timer);
      }
    },
  };
}
