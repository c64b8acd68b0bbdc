/** Bytes in a folder, named by their hash: ab/cd/abcd... A file is there whole and durable, or not at all. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Blobs } from '../../service/ports/storage.ts';
import { within } from '../../core/common/patience.ts';
import { damaged, isHash, sha256Of } from './blob-hash.ts';
import { diskRemoval } from './disk-removal.ts';
import { seconds, storageFailed, storageTimeout } from '../map-errors.ts';
import { createLine } from '../line.ts';
import { USUAL_TIMEOUTS, type StorageTimeouts } from '../timeouts.ts';

/** Folder in which files are written before they are put in their place. */
const UNFINISHED = 'unfinished';
/** Age after which a file counts as left behind by a killed writer. */
const ABANDONED_MS = 3_600_000;

/** Age after which a file that is put again counts as new, so that nobody takes it for one that nothing points to. */
const RENEWED_MS = 600_000;

/** Files at work at the same time. Each that hangs, as on a server of files that has gone, holds one of the four threads Node has for them. */
const FILES_AT_ONCE = 3;

/** Written to find out whether there is room: a block or so. */
const PROBE = new Uint8Array(4096);

export interface DiskBlobsOptions {
  /** @default Date.now */
  now?: () => number;
  timeouts?: Pick<StorageTimeouts, 'objectMs'>;
}

/** @throws STORAGE_FAILED where the folder cannot be written, STORAGE_TIMEOUT where the disk does not answer */
export async function openDiskBlobs(
  folder: string,
  { now = Date.now, timeouts: { objectMs } = USUAL_TIMEOUTS }: DiskBlobsOptions = {},
): Promise<Blobs> {
  const unfinished = join(folder, UNFINISHED);
  const late = (): Error =>
    storageTimeout(
      `an answer of the folder ${folder} within ${seconds(objectMs)}`,
      'its disk does not answer',
      'Look after the disk or the server it is mounted from.',
    );
  const line = createLine({ places: FILES_AT_ONCE, waitMs: objectMs, late });
  /** Bounds the wait for work on a file; the work itself cannot be ended. */
  const told = async <T>(begin: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const leave = await line.place(signal);
    const work = begin().finally(leave);
    try {
      return await within(work, { ms: objectMs, late, signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw storageFailed(`the folder ${folder}`, error);
    }
  };
  const place = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  /** Folders whose entry in their parent is known to be on the disk. */
  const lasting = new Set<string>();
  const makeFolder = async (path: string): Promise<void> => {
    if (lasting.has(path)) return;
    await mkdir(path, { recursive: true });
    await flush(dirname(path));
    lasting.add(path);
  };
  /** Folder of a blob, once it and the names in it last. */
  const makeShelf = async (sha256: string): Promise<void> => {
    const shelf = dirname(place(sha256));
    await makeFolder(dirname(shelf));
    await makeFolder(shelf);
    await flush(shelf);
  };
  const write = async (sha256: string, bytes: Uint8Array): Promise<void> => {
    const target = place(sha256);
    const shelf = dirname(target);
    await makeFolder(dirname(shelf));
    await makeFolder(shelf);
    await renew(target, now());
    // Other bytes: only a disk that lost what it had confirmed, or somebody's hand, leaves that behind; they are written again.
    if (!(await holds(target, bytes))) await writeDraft(bytes, (draft) => rename(draft, target));
    // Also where it was there: whoever put it may not have come to this yet.
    await flush(shelf);
  };

  /** Writes a file that lasts, and removes it where the next step fails. */
  const writeDraft = async (bytes: Uint8Array, next: (draft: string) => Promise<void>): Promise<void> => {
    const draft = join(unfinished, randomUUID());
    try {
      const file = await open(draft, 'wx');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await next(draft);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  };

  const list = async function* (): AsyncGenerator<string> {
    for (const first of await told(() => foldersIn(folder)))
      for (const second of await told(() => foldersIn(join(folder, first))))
        for (const name of (await told(() => readdir(join(folder, first, second)))).sort()) if (isHash(name)) yield name;
  };
  const { back, ...removal } = diskRemoval({ folder, place, list, told, makeShelf, makeFolder, now });
  const read = async (sha256: string): Promise<Uint8Array | undefined> => {
    const file = place(sha256);
    const found = await readFile(file).catch((error: unknown) => unreadable(file, error));
    if (found !== undefined || !(await back(sha256))) return found;
    return readFile(file).catch((error: unknown) => unreadable(file, error));
  };

  await told(() => mkdir(unfinished, { recursive: true }).then(() => removeAbandoned(unfinished, now() - ABANDONED_MS)));
  return {
    async put(bytes, { signal } = {}) {
      const sha256 = await sha256Of(bytes);
      await told(() => write(sha256, bytes), signal);
      return sha256;
    },
    async get(sha256, { signal } = {}) {
      if (!isHash(sha256)) return undefined;
      const bytes = await told(() => read(sha256), signal);
      if (bytes && (await sha256Of(bytes)) !== sha256) throw damaged(place(sha256));
      return bytes;
    },
    async has(sha256, { signal } = {}) {
      const isThere = async (): Promise<boolean> => (await stat(place(sha256)).catch(absent)) !== undefined || back(sha256);
      return isHash(sha256) && told(isThere, signal);
    },
    async remove(sha256, { signal } = {}) {
      if (!isHash(sha256)) return;
      // First what was put aside, so that nothing comes back from there.
      await removal.remove(sha256);
      await told(async () => {
        await rm(place(sha256), { force: true });
        // A removal lasts once the list of its folder does.
        await flush(dirname(place(sha256)));
      }, signal);
    },
    list,
    removal,
    check: () => told(() => writeDraft(PROBE, (draft) => rm(draft))),
    close: () => Promise.resolve(),
  };
}

/** Makes a file that was written long ago count as written now. */
async function renew(file: string, nowMs: number): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there && there.mtimeMs < nowMs - RENEWED_MS) await utimes(file, nowMs / 1000, nowMs / 1000).catch(() => undefined);
}

/** Whether a file is there and has these bytes. One that cannot be read has none. */
async function holds(file: string, bytes: Uint8Array): Promise<boolean> {
  const there = await stat(file).catch(() => undefined);
  if (there?.size !== bytes.byteLength) return false;
  const held = await readFile(file).catch(() => undefined);
  return held !== undefined && Buffer.compare(held, bytes) === 0;
}

/** Codes of disks for one file that they cannot read. */
const FILE_TROUBLE: ReadonlySet<string> = new Set(['EIO', 'EACCES', 'EPERM', 'EISDIR', 'EUCLEAN', 'EBADMSG']);

/** @throws BLOB_DAMAGED where that file alone is the trouble */
function unreadable(file: string, error: unknown): undefined {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (FILE_TROUBLE.has(code)) throw damaged(file, code, error);
  absent(error);
  return undefined;
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

async function foldersIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /^[0-9a-f]{2}$/.test(name)).sort();
}

/** Pushes the list of a folder's files to the disk. Systems that cannot open a folder need no such push. */
async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

async function removeAbandoned(folder: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < beforeMs) await rm(join(folder, name), { force: true });
  }
}
