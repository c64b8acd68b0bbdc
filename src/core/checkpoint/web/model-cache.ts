/** Model files that a browser has already loaded, kept under their hash: with no network, and until another hash is asked for. */
import { web, type ModelCacheStorage } from '../../common/web-globals.ts';

export interface ModelCache {
  /** Undefined where it is not there, or nothing can be kept here. */
  get(kind: 'file' | 'manifest', name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(kind: 'file' | 'manifest', name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  drop(kind: 'file' | 'manifest', name: string): Promise<void>;
  /** Forgets the files that no kept manifest names. hashesIn: the hashes a manifest names. */
  sweep(hashesIn: (manifest: Uint8Array) => readonly string[]): Promise<void>;
}

const NAME = 'prosam-models-1';

/** storage: the browser's, where it has one. Failures (a full disk, private windows) count as misses: a model then loads from the network. */
export function modelCache(
  storage: ModelCacheStorage | undefined = web.caches,
  origin: string = web.location?.origin ?? 'http://localhost',
): ModelCache {
  const open = async () => storage?.open(NAME);
  // Keys of a cache are addresses; these are never asked of any server.
  const prefix = { file: `${origin}/.prosam/sha256/`, manifest: `${origin}/.prosam/manifest/` };
  const keyOf = (kind: keyof typeof prefix, name: string): string => prefix[kind] + encodeURIComponent(name);
  const bytesAt = async (key: string): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const found = await (await open())?.match(key);
    return found && new Uint8Array(await found.arrayBuffer());
  };
  return {
    get: (kind, name) => bytesAt(keyOf(kind, name)).catch(() => undefined),
    async put(kind, name, bytes) {
      const kept = open().then((cache) => cache?.put(keyOf(kind, name), new Response(bytes)));
      await kept.catch(() => undefined);
    },
    async drop(kind, name) {
      const gone = open().then((cache) => cache?.delete(keyOf(kind, name)));
      await gone.catch(() => undefined);
    },
    async sweep(hashesIn) {
      try {
        const cache = await open();
        const keys = ((await cache?.keys()) ?? []).map(({ url }) => url);
        const named = new Set<string>();
        for (const key of keys.filter((url) => url.startsWith(prefix.manifest))) {
          const manifest = await bytesAt(key);
          for (const hash of manifest ? hashesIn(manifest) : []) named.add(prefix.file + hash);
        }
        for (const key of keys) if (key.startsWith(prefix.file) && !named.has(key)) await cache?.delete(key);
      } catch {
        // What could not be swept is swept next time.
      }
    },
  };
}
