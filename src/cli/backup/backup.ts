/** `prosam backup`: everything into a folder, while services run. */
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { takeLock } from '../../core/files/file-lock.ts';
import { codeVersion } from '../../server/version.ts';
import { backupStorage } from '../../storage/backup/backup-storage.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { requireStore } from '../models/store.ts';
import { withProgress, withWholeStore } from './moving.ts';
import { BACKUP } from './spec.ts';

/** Resolves to the exit code. */
export async function backupCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const {
    values,
    positionals: [folder = ''],
  } = parseCommand(BACKUP, args);
  await requireStore(values);
  await mkdir(dirname(resolve(folder)), { recursive: true });
  const lock = await takeLock(`${resolve(folder)}.lock`);
  if (!('release' in lock)) throw new UsageError(`expected to be the only one to write ${folder}, but another process does. Wait for it.`);
  try {
    const made = await withWholeStore(values, false, (storage) =>
      withProgress(signal, (options) => backupStorage(storage, folder, { ...options, code: codeVersion() })),
    );
    const { rows, blobs, unreadable } = made;
    if (values.json) print(JSON.stringify({ folder, ...made }));
    else print(`${rows.count} rows and ${blobs.count} blobs (${blobs.bytes} bytes) are in ${folder}`);
    if (unreadable.length === 0) return EXIT.ok;
    warn(`${unreadable.length} blobs that rows name are missing or damaged in the store; ${folder}/manifest.json lists them.`);
    return EXIT.someFailed;
  } finally {
    await lock.release();
  }
}
