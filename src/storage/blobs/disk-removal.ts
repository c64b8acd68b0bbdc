/** Removal of blobs from a folder: put aside by a rename, which takes no bytes away, and ended later. */
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobEntry, BlobRemoval } from '../../service/ports/upkeep.ts';
import { isHash } from './blob-hash.ts';

/** Folder of the files that were put aside. */
const ASIDE = 'aside';

export interface DiskRemovalParts {
  folder: string;
  place: (sha256: string) => string;
  list: () => AsyncIterable<string>;
  /** Bounds the wait for work on a file. */
  told: <T>(work: () => Promise<T>) => Promise<T>;
  /** Makes the folder of a blob, and the names in it, last. */
  makeShelf: (sha256: string) => Promise<void>;
  makeFolder: (path: string) => Promise<void>;
  now: () => number;
}

export interface DiskRemoval extends BlobRemoval {
  /** Puts a file back in its place; false where it was not aside. */
  back: (sha256: string) => Promise<boolean>;
}

export function diskRemoval({ folder, place, list, told, makeShelf, makeFolder, now }: DiskRemovalParts): DiskRemoval {
  const aside = (sha256: string): string => join(folder, ASIDE, sha256);
  const entryOf = async (sha256: string, path: string, isAside: boolean): Promise<BlobEntry | undefined> => {
    const info = await stat(path).catch(absent);
    return info && { sha256, bytes: info.size, sinceMs: info.mtimeMs, aside: isAside };
  };
  const back = async (sha256: string): Promise<boolean> => {
    if (!isHash(sha256) || (await stat(aside(sha256)).catch(absent)) === undefined) return false;
    await makeShelf(sha256);
    const moved = await rename(aside(sha256), place(sha256)).then(() => true, absent);
    await makeShelf(sha256);
    return moved === true;
  };
  return {
    back,
    async *entries() {
      for (const name of await told(() =>
        readdir(join(folder, ASIDE))
          .catch(absent)
          .then((names) => names ?? []),
      )) {
        const entry = isHash(name) ? await told(() => entryOf(name, aside(name), true)) : undefined;
        if (entry) yield entry;
      }
      for await (const sha256 of list()) {
        const entry = await told(() => entryOf(sha256, place(sha256), false));
        if (entry) yield entry;
      }
    },
    putAside: (sha256) =>
      told(async () => {
        if (!isHash(sha256)) return;
        await makeFolder(join(folder, ASIDE));
        // First, so that its time aside never counts from when it was written.
        const seconds = now() / 1000;
        await utimes(place(sha256), seconds, seconds).catch(absent);
        await rename(place(sha256), aside(sha256)).catch(absent);
      }),
    bringBack: (sha256) => told(() => back(sha256).then(() => undefined)),
    remove: (sha256) => told(() => (isHash(sha256) ? rm(aside(sha256), { force: true }) : Promise.resolve())),
  };
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
