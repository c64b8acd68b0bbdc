/** `prosam db`: the state of a database, and moving everything from one to another. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { migrationStatus, type MigrationStatus } from '../../storage/schema/migrations.ts';
import { countRows } from '../../storage/copy/copy-rows.ts';
import { copyStorage, exportStorage, importStorage, type Moved, type MoveOptions } from '../../storage/copy/copy-storage.ts';
import { migrateDatabase, openDatabase, openWholeStorage, type OpenStorage } from '../../storage/open-storage.ts';
import { PATIENT_TIMEOUTS } from '../../storage/timeouts.ts';
import { silentLog } from '../../service/ports/log.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import type { Terminal } from '../common/terminal.ts';
import { choice, EXIT, UsageError } from '../common/usage.ts';

const DATABASE = './prosam/prosam.db';
const OBJECTS = './prosam/blobs';

export const DB_HELP = `prosam db: look after the database, or move everything to another

  prosam db status  [--database D] [--json]
  prosam db migrate [--database D] [--json]
  prosam db copy    [--from-database D] [--from-objects O] --to-database D --to-objects O [--json]
  prosam db export  [--database D] [--objects O] --to DIR [--json]
  prosam db import  --from DIR [--database D] [--objects O] [--json]

A database is a SQLite file or postgres://user:password@host/database; objects are a folder or
s3://bucket/prefix?endpoint=https://HOST&region=REGION with credentials from where AWS's own programs look for them.

  status       which schema the database has, and which this version of prosam wants
  migrate      bring it there; forward only, so keep a copy (prosam serve does this by itself)
  copy         everything from one place to another: rows, waiting messages and bytes. Stop prosam first.
  export       the same into a folder: rows.jsonl.gz and blobs/
  import       the same out of such a folder

The target's database must be empty; bytes it has already are not written again, so both may share one object store.

  --database D, --from-database D    (default: ${DATABASE})
  --objects O, --from-objects O      (default: ${OBJECTS})
  --json                             one JSON object on stdout

Exit code: 0 done, 1 the schema is not that of this version (status), 2 nothing was done, 130 interrupted.

Examples:
  prosam db export --to backup
  prosam db copy --to-database postgres://prosam@db.internal/prosam --to-objects ./prosam/blobs
  prosam db status --database postgres://prosam@db.internal/prosam
`;

const ACTIONS = ['status', 'migrate', 'copy', 'export', 'import'] as const;

type Values = ReturnType<typeof parse>['values'];

/** -> exit code */
export async function dbCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(args);
  const [word, ...rest] = positionals;
  if (word === undefined || rest.length > 0) throw new UsageError(`expected one of ${ACTIONS.join(', ')}: prosam db status.`);
  switch (choice('action', word, ACTIONS)) {
    case 'status':
      return status(values, terminal);
    case 'migrate':
      return migrate(values, terminal);
    case 'copy':
      return copy(values, terminal);
    case 'export': {
      const folder = required('to', values.to);
      return withStorage(existing(values.database ?? DATABASE), values.objects ?? OBJECTS, (storage) =>
        moved(values, terminal, (options) => exportStorage(storage, folder, options), folder),
      );
    }
    case 'import': {
      const folder = required('from', values.from);
      const database = values.database ?? DATABASE;
      return withStorage(database, values.objects ?? OBJECTS, (storage) =>
        moved(values, terminal, (options) => importStorage(folder, storage, options), withoutPassword(database)),
      );
    }
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ database: text, objects: text, to: text, from: text, json: { type: 'boolean' } },
      ...{ 'from-database': text, 'from-objects': text, 'to-database': text, 'to-objects': text },
    },
  });
}

async function status(values: Values, { print }: Terminal): Promise<number> {
  const address = values.database ?? DATABASE;
  const found = await statusOf(address);
  const current = found.database === found.code;
  const done = current ? 'nothing to do' : found.database > found.code ? 'update prosam' : 'run prosam db migrate';
  if (values.json === true) print(JSON.stringify({ address: withoutPassword(address), ...found }));
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
  // Looking does not make a file.
  const database = await openDatabase(isFile(address) && !existsSync(address) ? ':memory:' : address, silentLog, PATIENT_TIMEOUTS);
  try {
    const found = await migrationStatus(database);
    return { ...found, ...(found.database === found.code && { rows: await countRows(database) }) };
  } finally {
    await database.close();
  }
}

async function migrate(values: Values, { print }: Terminal): Promise<number> {
  const address = values.database ?? DATABASE;
  const steps = await migrateDatabase(address);
  if (values.json === true) print(JSON.stringify({ address: withoutPassword(address), steps }));
  else print(`${withoutPassword(address)}: ${steps === 0 ? 'nothing to do' : `${steps} step${steps === 1 ? '' : 's'} taken`}`);
  return EXIT.ok;
}

async function copy(values: Values, terminal: Terminal): Promise<number> {
  const database = existing(values['from-database'] ?? DATABASE);
  const objects = values['from-objects'] ?? OBJECTS;
  const toDatabase = required('to-database', values['to-database']);
  const toObjects = required('to-objects', values['to-objects']);
  return withStorage(database, objects, (from) =>
    withStorage(toDatabase, toObjects, (to) =>
      moved(values, terminal, (options) => copyStorage(from, to, options), withoutPassword(toDatabase)),
    ),
  );
}

async function moved(
  { json = false }: Values,
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

/** A file that is read from must be there: making an empty one would only hide the slip. */
function existing(address: string): string {
  if (isFile(address) && !existsSync(address)) throw new UsageError(`expected a database, got ${address}, which is not there.`);
  return address;
}

function isFile(address: string): boolean {
  return address !== ':memory:' && !/^postgres(ql)?:/.test(address);
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`expected --${name}, got none.`);
  return value;
}

function withoutPassword(address: string): string {
  return address.replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@]*@/, '$1@');
}
