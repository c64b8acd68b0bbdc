/** A cache bounded by bytes that computes each missing value once, however many ask for it. */

/** Where values go that should outlive the process; failures count as misses. */
export interface SlowCache<V> {
  get(key: string): Promise<V | undefined>;
  put(key: string, value: V): Promise<void>;
}

export interface ByteCacheOptions<V> {
  maxBytes: number;
  sizeOf: (value: V) => number;
  slow?: SlowCache<V>;
}

export interface ByteCache<V> {
  /** Least recently used values are dropped first. */
  get(key: string, compute: () => Promise<V>): Promise<V>;
  /** Bytes held in memory. */
  readonly bytes: number;
  clear(): void;
  /** Resolves when everything computed so far has reached the slow cache, or failed to. */
  written(): Promise<void>;
}

export function createByteCache<V>({ maxBytes, sizeOf, slow }: ByteCacheOptions<V>): ByteCache<V> {
  const held = new Map<string, { value: V; size: number }>();
  const running = new Map<string, Promise<V>>();
  const writing = new Set<Promise<void>>();
  let bytes = 0;

  const keep = (key: string, value: V): void => {
    const size = sizeOf(value);
    if (size > maxBytes) return;
    held.set(key, { value, size });
    bytes += size;
    for (const [oldest, entry] of held) {
      if (bytes <= maxBytes) break;
      held.delete(oldest);
      bytes -= entry.size;
    }
  };
  /** Nobody waits for a slow disk, except those who close. */
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
      return bytes;
    },
    async get(key, compute) {
      const known = held.get(key);
      if (known) {
        held.delete(key); // moves it to the end: the order of the map is the order of use
        held.set(key, known);
        return known.value;
      }
      const shared = running.get(key);
      if (shared) return shared;
      const started = load(key, compute).finally(() => running.delete(key));
      running.set(key, started);
      return started;
    },
    clear() {
      held.clear();
      bytes = 0;
    },
    async written() {
      await Promise.all(writing);
    },
  };
}
