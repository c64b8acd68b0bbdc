/** Facts that are looked up in CVAT while CVAT itself may be waiting: not waited for long, kept, and renewed now and then. */
import { createLruMap } from '../../../core/common/lru-map.ts';

export interface PatientLookupOptions<T> {
  /** @throws what keeps the facts as they were */
  ask: (key: string) => Promise<T>;
  onError: (key: string, error: unknown) => void;
  /** Time for which an answer is reused. */
  freshMs: number;
  /** Longest wait; what comes later is used the next time. @default 1500 */
  patienceMs?: number | undefined;
  /** Milliseconds that only go forward. */
  clockMs?: (() => number) | undefined;
}

/** Resolves to what is known. stamp: another one than before asks again at once. Never rejects. */
export type PatientLookup<T> = (key: string, stamp?: string) => Promise<T | undefined>;

const MAX_KEYS = 1000;

export function createPatientLookup<T>(options: PatientLookupOptions<T>): PatientLookup<T> {
  const { ask, onError, freshMs, patienceMs = 1500, clockMs = () => performance.now() } = options;
  const known = createLruMap<string, { facts?: T; stamp: string; atMs: number; asking?: Promise<void> }>({ max: MAX_KEYS });
  let waitsFromMs = -Infinity;
  return async (key, stamp = '') => {
    const entry = known.get(key) ?? { atMs: -Infinity, stamp };
    known.set(key, entry);
    if (clockMs() - entry.atMs >= freshMs || entry.stamp !== stamp) {
      entry.asking ??= ask(key)
        .then((facts) => void (entry.facts = facts))
        // What was known stays: CVAT may be starting, or the token may have been changed.
        .catch((error: unknown) => onError(key, error))
        .finally(() => {
          Object.assign(entry, { atMs: clockMs(), stamp });
          delete entry.asking;
        });
      // Hundreds of projects must not wait one after another for a CVAT that does not answer.
      if (clockMs() >= waitsFromMs && (await Promise.race([entry.asking.then(() => false), patience(patienceMs)])))
        waitsFromMs = clockMs() + freshMs;
    }
    return entry.facts;
  };
}

/** Resolves to true once the time is over. */
function patience(ms: number): Promise<boolean> {
  return new Promise((resolve) => void setTimeout(() => resolve(true), ms).unref());
}
