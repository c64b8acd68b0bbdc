/** A slow cache that nobody waits long for: while one of its operations hangs it is left alone, and everything is a miss. */
import { within } from './patience.ts';

/** Keeps values that should outlive the process; failures, and answers that take long, count as misses. */
export interface SlowCache<V> {
  get(key: string): Promise<V | undefined>;
  put(key: string, value: V): Promise<void>;
  /** Removes values whose keys match. */
  remove?(matches: (key: string) => boolean): Promise<void>;
}

/** Longest wait for one operation: a disk that is slower than this is slower than computing. */
const SLOW_CACHE_MS = 10_000;

/** A file operation that hangs holds a thread of the few there are, so no second one is begun beside it. */
export function patientSlowCache<V>(slow: SlowCache<V>, ms = SLOW_CACHE_MS): SlowCache<V> {
  let overdue = 0;
  const bounded = async <T>(begin: () => Promise<T>): Promise<T | undefined> => {
    if (overdue > 0) return undefined;
    const work = begin();
    let late = false;
    const settled = (): void => {
      if (late) overdue--;
    };
    work.then(settled, settled);
    return within(work, {
      ms,
      late: () => {
        late = true;
        overdue++;
        return new Error('the cache does not answer');
      },
    });
  };
  return {
    get: (key) => bounded(() => slow.get(key)),
    put: (key, value) => bounded(() => slow.put(key, value)),
    remove: async (matches) => slow.remove?.(matches),
  };
}
