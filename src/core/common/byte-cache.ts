/** A cache bounded by bytes that computes each missing value once, however many ask for it. */
import { createLruMap } from './lru-map.ts';
import { createFlights, type FlightsOptions } from './flights.ts';
import { patientSlowCache, type SlowCache } from './patient-slow-cache.ts';

/** patienceMs: of one computation; one that ends later is kept all the same. */
export interface ByteCacheOptions<V> extends FlightsOptions {
  maxBytes: number;
  sizeOf: (value: V) => number;
  slow?: SlowCache<V>;
  /** Longest wait for the slow cache. @default 10,000 */
  slowMs?: number;
}

export interface ByteCache<V> {
  /** Least recently used values are dropped first. signal: ends the waiting of this caller alone. */
  get(key: string, compute: () => Promise<V>, options?: { signal?: AbortSignal | undefined }): Promise<V>;
  /** Bytes held in memory. */
  readonly bytes: number;
  clear(): void;
  /** Drops values whose keys match, in memory and in the slow cache. Resolves when they are gone; a slow cache that fails is left as it is. */
  forget(matches: (key: string) => boolean): Promise<void>;
  /** Resolves when everything computed so far has reached the slow cache, or failed to. */
  written(): Promise<void>;
}

export function createByteCache<V>({ maxBytes, sizeOf, slow: given, slowMs, ...flight }: ByteCacheOptions<V>): ByteCache<V> {
  const held = createLruMap<string, { value: V }>({ max: maxBytes, sizeOf: ({ value }) => sizeOf(value) });
  const flights = createFlights<V>(flight);
  const slow = given && patientSlowCache(given, slowMs);
  const writing = new Set<Promise<void>>();

  const keep = (key: string, value: V): void => {
    // Two may have computed it where the first one took too long.
    if (!held.has(key)) held.set(key, { value });
  };
  /** Writes in the background; only `written` and `close` wait for a slow disk. */
  const write = (to: SlowCache<V>, key: string, value: V): void => {
    const put = to
      .put(key, value)
      .catch(() => undefined)
      .finally(() => writing.delete(put));
    writing.add(put);
  };
  const load = async (key: string, compute: () => Promise<V>): Promise<V> => {
    const stored = await slow?.get(key).catch(() => undefined);
    if (stored !== undefined) {
      keep(key, stored);
      return stored;
    }
    const value = await compute();
    keep(key, value);
    if (slow) write(slow, key, value);
    return value;
  };

  return {
    get bytes() {
      return held.size;
    },
    async get(key, compute, options) {
      const known = held.get(key);
      return known ? known.value : flights.share(key, () => load(key, compute), options);
    },
    clear: () => held.clear(),
    async forget(matches) {
      for (const key of held.keys()) if (matches(key)) held.delete(key);
      await Promise.all(writing);
      await slow?.remove?.(matches).catch(() => undefined);
    },
    async written() {
      await Promise.all(writing);
    },
  };
}
