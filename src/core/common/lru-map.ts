/** A map bounded by the sizes of its values: the least recently used ones are dropped first. */

export interface LruMapOptions<K, V> {
  /** Most of all sizes together. */
  max: number;
  /** @default 1 each: max is then the number of values */
  sizeOf?: (value: V, key: K) => number;
  /** Called for every value that is dropped because of the bound; not for those that are deleted or replaced. */
  onDrop?: (key: K, value: V) => void;
}

export interface LruMap<K, V> {
  /** Counts as a use. */
  get(key: K): V | undefined;
  /** Counts as no use. */
  peek(key: K): V | undefined;
  /** Counts as no use. */
  has(key: K): boolean;
  /** Counts as a use. A value larger than the bound is not kept, and nor is the one it replaces. */
  set(key: K, value: V): void;
  delete(key: K): boolean;
  clear(): void;
  /** Least recently used first. */
  values(): V[];
  /** Least recently used first. */
  keys(): K[];
  /** Number of values. */
  readonly count: number;
  /** All sizes together. */
  readonly size: number;
}

export function createLruMap<K, V>({ max, sizeOf = () => 1, onDrop }: LruMapOptions<K, V>): LruMap<K, V> {
  /** In the order of use. */
  const held = new Map<K, { value: V; size: number }>();
  let size = 0;
  const remove = (key: K): boolean => {
    size -= held.get(key)?.size ?? 0;
    return held.delete(key);
  };
  return {
    get(key) {
      const entry = held.get(key);
      if (entry === undefined) return undefined;
      held.delete(key);
      held.set(key, entry);
      return entry.value;
    },
    peek: (key) => held.get(key)?.value,
    has: (key) => held.has(key),
    set(key, value) {
      remove(key);
      const own = sizeOf(value, key);
      if (own > max) return;
      held.set(key, { value, size: own });
      size += own;
      for (const [oldest, entry] of held) {
        if (size <= max) break;
        remove(oldest);
        onDrop?.(oldest, entry.value);
      }
    },
    delete: remove,
    clear() {
      held.clear();
      size = 0;
    },
    keys: () => [...held.keys()],
    values: () => [...held.values()].map(({ value }) => value),
    get count() {
      return held.size;
    },
    get size() {
      return size;
    },
  };
}
