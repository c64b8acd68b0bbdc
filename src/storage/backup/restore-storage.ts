/** A backup back into a store of any kind: everything is checked before anything is written, and rows come all or not at all. */
import { join } from 'node:path';
import { openDiskBlobs } from '../blobs/disk-blobs.ts';
import { entriesOfLines } from '../copy/archive-lines.ts';
import { copyEach, linesOf, stoppable, type Moved, type MoveOptions } from '../copy/copy-storage.ts';
import { requireEmpty, writeEntries } from '../copy/copy-rows.ts';
import type { OpenStorage } from '../open-storage.ts';
import { BLOBS_FOLDER, damaged, readManifest, ROWS_FILE } from './manifest.ts';
import { notingBlobs } from './named-blobs.ts';

export interface RestoreOptions extends MoveOptions {
  /** Replaces what the database holds, in the same transaction. @default false */
  replace?: boolean;
}

export interface Restored extends Moved {
  /** Blobs that could not be read when the backup was made. */
  unreadable: readonly string[];
}

/**
 * Nothing else may write to the store while it runs.
 * @throws FILE_NOT_FOUND for what is no backup, STORAGE_FAILED for a damaged one, OPTION_INVALID where the database is not empty
 */
export async function restoreStorage(
  folder: string,
  to: OpenStorage,
  { replace = false, ...options }: RestoreOptions = {},
): Promise<Restored> {
  const { unreadable } = await readManifest(folder);
  if (!replace) await requireEmpty(to.database);
  const file = join(folder, ROWS_FILE);
  const entries = () =>
    stoppable(
      entriesOfLines(linesOf(file), file, (total) => options.onPhase?.(total)),
      options.signal,
    );
  const named = new Set<string>();
  await toTheEnd(notingBlobs(entries(), named));
  for (const sha256 of unreadable) named.delete(sha256);
  const from = await openDiskBlobs(join(folder, BLOBS_FOLDER));
  options.onPhase?.(named.size);
  await copyEach(
    [...named],
    async (sha256) => {
      const { signal } = options;
      // Read, and so checked, even where the target has it.
      const bytes = await from.get(sha256, { signal });
      if (bytes === undefined) throw damaged(join(folder, BLOBS_FOLDER), `the blob ${sha256} is missing`);
      await to.blobs.put(bytes, { signal });
    },
    options,
  );
  const rows = await writeEntries(to, entries(), (what) => options.onMoved?.(what), { replace });
  return { rows, blobs: named.size, unreadable };
}

async function toTheEnd(entries: AsyncIterator<unknown>): Promise<void> {
  while ((await entries.next()).done !== true);
}
