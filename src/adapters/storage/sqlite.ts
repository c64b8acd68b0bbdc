/** A SQLite file as kysely sees it: one connection, lent to one user at a time. */
import {
  Kysely,
  sql,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';
import type { Database } from './database.ts';
import type { Tables } from './schema.ts';
import { openSqliteThread, type SqliteThread } from './sqlite-thread.ts';

/** @throws STORAGE_FAILED */
export async function openSqlite(file: string): Promise<Database> {
  const thread = await openSqliteThread(file);
  const connection = new Kysely<Tables>({
    dialect: {
      createDriver: () => driverOf(thread),
      createAdapter: () => new SqliteAdapter(),
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
    // The file itself is locked while its first statement runs as a writing one.
    lockSchema: () => Promise.resolve(),
    // SQLite goes on after the largest number it has seen.
    afterImport: () => Promise.resolve(),
    close: () => connection.destroy(),
  };
}

function driverOf(thread: SqliteThread): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const { rows, changes } = await thread.run(text, parameters);
      return { rows: rows as R[], ...(changes !== undefined && { numAffectedRows: BigInt(changes) }) };
    },
    streamQuery: () => {
      throw new Error('nothing here reads a SQLite file as a stream');
    },
  };
  const raw = async (sql: string): Promise<void> => {
    await thread.run(sql, []);
  };
  /** Resolves when everybody before has given the connection back. */
  let last = Promise.resolve();
  let giveBack = (): void => undefined;
  return {
    init: () => Promise.resolve(),
    async acquireConnection() {
      const before = last;
      let release = (): void => undefined;
      last = new Promise((resolve) => {
        release = resolve;
      });
      await before;
      giveBack = release;
      return connection;
    },
    releaseConnection() {
      giveBack();
      return Promise.resolve();
    },
    // Locked from the start: a transaction that read first and then wanted to write could be refused halfway.
    beginTransaction: (_, { accessMode }) => raw(accessMode === 'read only' ? 'begin' : 'begin immediate'),
    commitTransaction: () => raw('commit'),
    rollbackTransaction: () => raw('rollback'),
    destroy: () => thread.close(),
  };
}
