/** `prosam db`: state of a database, and copies of everything from one place to another. */
import { existsSync } from 'node:fs';
import { migrationStatus, type MigrationStatus } from '../../storage/schema/migrations.ts';
import { countRows } from '../../storage/copy/copy-rows.ts';
import { copyStorage, exportStorage, importStorage, type Moved, type MoveOptions } from '../../storage/copy/copy-storage.ts';
import { migrateDatabase, openDatabase, openWholeStorage, type OpenStorage } from '../../storage/open-storage.ts';
import { PATIENT_TIMEOUTS } from '../../storage/timeouts.ts';
import { silentLog } from '../../service/ports/log.ts';
import { checkProject, checkSha256 } from '../../core/common/limits.ts';
import type { ErasedImage } from '../../service/ports/storage.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import { EXIT, UsageError, type Run, type Terminal } from '../common/command.ts';
import { runGroup, type Loaders } from '../common/group.ts';
import { parseCommand } from '../common/parse.ts';
import { DB, DB_COPY, DB_ERASE, DB_EXPORT, DB_IMPORT, DB_MIGRATE, DB_STATUS } from './spec.ts';

/** Resolves to the exit code. */
export const dbCommand: Run = (args, terminal) => runGroup(DB, COMMANDS, args, terminal);

const COMMANDS: Loaders = {
  status: () => Promise.resolve(status),
  migrate: () => Promise.resolve(migrate),
  copy: () => Promise.resolve(copy),
  export: () => Promise.resolve(exportAll),
  import: () => Promise.resolve(importAll),
  erase: () => Promise.resolve(erase),
};

async function status(args: readonly string[], { print }: Terminal): Promise<number> {
  const { database: address, json } = parseCommand(DB_STATUS, args).values;
  const found = await statusOf(address);
  const current = found.database === found.code;
  const done = current ? 'nothing to do' : found.database > found.code ? 'update prosam' : 'run prosam db migrate';
  if (json) print(JSON.stringify({ address: withoutPassword(address), ...found }));
  else {
    print(
      `${withoutPassword(address)}: ${found.database === 0 ? 'no schema yet' : `schema ${found.database}`}, expected ${found.code}: ${done}`,
    );
    if (found.rows !== undefined) print(`${found.rows} rows`);
    for (const { version, name } of found.pending) print(`  missing: ${version} ${name}`);
  }
  return current ? EXIT.ok : EXIT.someFailed;
}

async function statusOf(address: string): Promise<MigrationStatus & { rows?: number }> {
  // A status check creates no file.
  const database = await openDatabase(isFile(address) && !existsSync(address) ? ':memory:' : address, silentLog, PATIENT_TIMEOUTS);
  try {
    const found = await migrationStatus(database);
    return { ...found, ...(found.database === found.code && { rows: await countRows(database) }) };
  } finally {
    await database.close();
  }
}

async function migrate(args: readonly string[], { print }: Terminal): Promise<number> {
  const { database: address, json } = parseCommand(DB_MIGRATE, args).values;
  const steps = await migrateDatabase(address);
  if (json) print(JSON.stringify({ address: withoutPassword(address), steps }));
  else print(`${withoutPassword(address)}: ${steps === 0 ? 'nothing to do' : `${steps} step${steps === 1 ? '' : 's'} taken`}`);
  return EXIT.ok;
}

async function copy(args: readonly string[], terminal: Terminal): Promise<number> {
  const { fromDatabase, fromObjects, toDatabase, toObjects, json } = parseCommand(DB_COPY, args).values;
  return withStorage(existing(fromDatabase), fromObjects, (from) =>
    withStorage(toDatabase, toObjects, (to) =>
      moved(json, terminal, (options) => copyStorage(from, to, options), withoutPassword(toDatabase)),
    ),
  );
}

async function exportAll(args: readonly string[], terminal: Terminal): Promise<number> {
  const { database, objects, to: folder, json } = parseCommand(DB_EXPORT, args).values;
  return withStorage(existing(database), objects, (storage) =>
    moved(json, terminal, (options) => exportStorage(storage, folder, options), folder),
  );
}

async function importAll(args: readonly string[], terminal: Terminal): Promise<number> {
  const { database, objects, from: folder, json } = parseCommand(DB_IMPORT, args).values;
  return withStorage(database, objects, (storage) =>
    moved(json, terminal, (options) => importStorage(folder, storage, options), withoutPassword(database)),
  );
}

/** Bytes go here and now; a service that runs forgets the rest when it looks at the list of erasures. */
async function erase(args: readonly string[], { print }: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(DB_ERASE, args);
  const { project, database, objects, json } = values;
  checkProject(project);
  positionals.forEach(checkSha256);
  return withStorage(existing(database), objects, async ({ store: { images }, blobs }) => {
    for (const sha256 of positionals) {
      const erased = await images.erase(project, sha256, Date.now());
      if (erased && !(await images.isKnown(sha256))) await blobs.remove(sha256);
      if (json) print(JSON.stringify({ project, sha256, erased: erased !== undefined, ...erased }));
      else print(`${sha256}: ${erased ? erasedLine(erased) : `${project} knows nothing of it`}`);
    }
    return EXIT.ok;
  });
}

function erasedLine({ annotations, predictions, versions }: ErasedImage): string {
  const learned = versions.length === 0 ? '' : `; may have been learned from by ${versions.join(', ')}, which stay`;
  return `erased with ${annotations} annotations and ${predictions} predictions${learned}`;
}

async function moved(
  json: boolean,
  { print, signal }: Terminal,
  move: (options: MoveOptions) => Promise<Moved>,
  target: string,
): Promise<number> {
  let progress: Progress | undefined;
  const onPhase = (total: number): void => {
    progress?.clear();
    progress = createProgress(total);
  };
  try {
    const done = await move({ onPhase, onMoved: (what) => progress?.advance(what), ...(signal && { signal }) });
    progress?.clear();
    print(json ? JSON.stringify(done) : `${done.rows} rows and ${done.blobs} blobs are in ${target}`);
  } finally {
    progress?.clear();
  }
  return EXIT.ok;
}

async function withStorage<T>(database: string, objects: string, use: (storage: OpenStorage) => Promise<T>): Promise<T> {
  const storage = await openWholeStorage({ database, objects, timeouts: PATIENT_TIMEOUTS });
  try {
    return await use(storage);
  } finally {
    await storage.close();
  }
}

/** Refuses a missing database file to read from; creating an empty one would hide the typing error. @throws UsageError */
function existing(address: string): string {
  if (isFile(address) && !existsSync(address)) throw new UsageError(`expected a database, got ${address}, which is not there.`);
  return address;
}

function isFile(address: string): boolean {
  return address !== ':memory:' && !/^postgres(ql)?:/.test(address);
}

function withoutPassword(address: string): string {
  return address.replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@]*@/, '$1@');
}
