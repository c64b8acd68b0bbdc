/** `prosam restore`: a backup back into a store. */
import { readManifest } from '../../storage/backup/manifest.ts';
import { restoreStorage } from '../../storage/backup/restore-storage.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { withProgress, withWholeStore } from './moving.ts';
import { RESTORE } from './spec.ts';

/** Resolves to the exit code. */
export async function restoreCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const {
    values,
    positionals: [folder = ''],
  } = parseCommand(RESTORE, args);
  // Before a store is made for it.
  await readManifest(folder);
  const restored = await withWholeStore(values, true, (storage) =>
    withProgress(signal, (options) => restoreStorage(folder, storage, { ...options, replace: values.replace })),
  );
  if (values.json) print(JSON.stringify(restored));
  else print(`${restored.rows} rows and ${restored.blobs} blobs are restored`);
  if (restored.unreadable.length > 0) warn(`${restored.unreadable.length} blobs were missing or damaged when the backup was made.`);
  return EXIT.ok;
}
