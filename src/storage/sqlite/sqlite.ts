/** A SQLite file as kysely sees it: one connection that writes, lent to one user at a time, and one that reads beside it. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Kysely, sql, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { Database } from '../schema/database.ts';
import type { Tables } from '../schema/schema.ts';
import { sqliteDriver } from './driver.ts';
import { openSqliteThread, type SqliteThread } from './thread.ts';
import { noRoom } from '../map-errors.ts';
import { USUAL_TIMEOUTS, type StorageTimeouts } from '../timeouts.ts';

/** kysely's own answers no: it would lend nothing to a reader while somebody waits for a lock. */
class ManyConnections extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** @throws STORAGE_FAILED, STORAGE_TIMEOUT */
export async function openSqlite(file: string, timeouts: StorageTimeouts = USUAL_TIMEOUTS): Promise<Database> {
  const writer = await openSqliteThread(file, { timeouts });
  // What lies in memory belongs to one connection.
  const readers = file === ':memory:' ? undefined : () => openSqliteThread(file, { timeouts, readOnly: true });
  let reader: SqliteThread | undefined;
  try {
    reader = await readers?.();
  } catch (error) {
    await writer.close();
    throw error;
  }
  const driver = sqliteDriver({ file, writer, timeouts, ...(reader && readers && { reader, openReader: readers }) });
  const connection = new Kysely<Tables>({
    dialect: {
      createDriver: () => driver,
      createAdapter: () => new ManyConnections(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (kysely) => new SqliteIntrospector(kysely as Kysely<unknown>),
    },
  });
  return {
    connection,
    dialect: 'sqlite',
    async hasSchema(asked) {
      const { rows } = await sql`select 1 from sqlite_master where type = 'table' and name = 'migrations'`.execute(asked);
      return rows.length > 0;
    },
    changeSchema: (change) => driver.changeSchema(change),
    // SQLite goes on after the largest number it has seen.
    afterImport: () => Promise.resolve(),
    ...(file !== ':memory:' && { check: () => checkRoom(file) }),
    close: () => driver.destroy(),
  };
}

/** Room a database file needs for its log: below it, writing fails sooner or later. */
const MIN_FREE = 2 ** 20;

/** @throws STORAGE_FAILED */
async function checkRoom(file: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(file)).catch(() => ({ bavail: Infinity, bsize: 1 }));
  const free = bavail * bsize;
  if (free < MIN_FREE) throw noRoom(`the SQLite file ${file}`, `${free} bytes are left`);
}
