/** A Postgres database as kysely sees it: a bounded pool that survives lost connections. */
import type { CompiledQuery } from 'kysely';
import { Kysely, PostgresDialect, sql, type DatabaseConnection, type Dialect, type Driver, type QueryResult } from 'kysely';
import type { Pool } from 'pg';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Database } from './database.ts';
import { optionalPackage, storageFailed } from './failures.ts';
import { MOVED_TABLES } from './moved-tables.ts';
import type { Tables } from './schema.ts';

/** Connections of one process. */
const MOST_CONNECTIONS = 10;
const CONNECT_MS = 10_000;
const IDLE_MS = 30_000;
/** Tables of this program are kept apart from whatever else the database holds. */
const SCHEMA = 'prosam';
/** Any number nobody else uses as an advisory lock. */
const MIGRATION_LOCK = 7_276_001;
/** Types that Postgres sends as text because they may exceed 2^53; ours never do. */
const INT8 = 20;
const NUMERIC = 1700;

export interface PostgresDatabase extends Database {
  readonly dialect: 'postgres';
  readonly pool: Pool;
}

export function isPostgres(database: Database): database is PostgresDatabase {
  return database.dialect === 'postgres';
}

/** url: postgres://user:password@host:port/database. @throws STORAGE_FAILED, PACKAGE_MISSING */
export async function openPostgres(url: string, log: Log): Promise<PostgresDatabase> {
  const { default: pg } = await optionalPackage('pg', 'a Postgres database', () => import('pg'));
  const { getTypeParser: usual } = pg.types as { getTypeParser: (id: number, format?: string) => (value: string) => unknown };
  const types = {
    getTypeParser: (id: number, format?: string) => (id === INT8 || id === NUMERIC ? Number : usual(id, format)),
  } as typeof pg.types;
  let pool: Pool;
  try {
    pool = new pg.Pool({
      ...{ connectionString: withSchema(url), max: MOST_CONNECTIONS, application_name: 'prosam', types },
      ...{ connectionTimeoutMillis: CONNECT_MS, idleTimeoutMillis: IDLE_MS, keepAlive: true },
    });
  } catch (error) {
    throw postgresFailed(error);
  }
  // A connection may be lost while nobody waits for its answer; unheard, that would end the process.
  pool.on('error', (error) => log.warn({ error: messageOf(error) }, 'a connection to Postgres was lost'));
  pool.on('connect', (client) => void client.on('error', () => undefined));
  const connection = new Kysely<Tables>({ dialect: tellingDialect(pool) });
  try {
    await sql`select 1`.execute(connection);
  } catch (error) {
    await connection.destroy();
    throw postgresFailed(error);
  }
  return {
    ...{ connection, pool, dialect: 'postgres' },
    async hasSchema(asked) {
      const { rows } = await sql<{ found: boolean }>`select to_regclass(${`${SCHEMA}.migrations`}) is not null as found`.execute(asked);
      return rows[0]?.found === true;
    },
    async lockSchema(change) {
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(change);
      await sql`create schema if not exists ${sql.id(SCHEMA)}`.execute(change);
    },
    async afterImport(change) {
      for (const { name, identity } of MOVED_TABLES) {
        if (identity === undefined) continue;
        const largest = sql`select max(${sql.ref(identity)}) as largest from ${sql.table(name)}`;
        const sequence = sql`pg_get_serial_sequence(${name}, ${identity})`;
        await sql`select setval(${sequence}, largest) from (${largest}) as found where largest is not null`.execute(change);
      }
      // Without it the database would guess for a minute or so.
      await sql`analyze`.execute(change);
    },
    close: () => connection.destroy(),
  };
}

/** Said as the connection is made: a statement of its own could fail, and would leave a connection that nobody gives back. */
function withSchema(address: string): string {
  const url = new URL(address);
  url.searchParams.set('options', `${url.searchParams.get('options') ?? ''} -c search_path=${SCHEMA}`.trim());
  return url.href;
}

export function postgresFailed(error: unknown): Error {
  return storageFailed('the Postgres database', error);
}

/** kysely's own, but for errors, which are told as ours. */
function tellingDialect(pool: Pool): Dialect {
  const dialect = new PostgresDialect({ pool });
  return {
    createDriver: () => tellingDriver(dialect.createDriver()),
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (kysely) => dialect.createIntrospector(kysely),
  };
}

function tellingDriver(driver: Driver): Driver {
  const inner = new WeakMap<DatabaseConnection, DatabaseConnection>();
  const innerOf = (connection: DatabaseConnection): DatabaseConnection => inner.get(connection) ?? connection;
  const told = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw postgresFailed(error);
    });
  return {
    init: () => told(driver.init()),
    async acquireConnection() {
      const found = await told(driver.acquireConnection());
      const connection: DatabaseConnection = {
        executeQuery: <R>(query: CompiledQuery): Promise<QueryResult<R>> => told(found.executeQuery<R>(query)),
        streamQuery: (query, chunkSize) => found.streamQuery(query, chunkSize),
      };
      inner.set(connection, found);
      return connection;
    },
    beginTransaction: (connection, settings) => told(driver.beginTransaction(innerOf(connection), settings)),
    commitTransaction: (connection) => told(driver.commitTransaction(innerOf(connection))),
    rollbackTransaction: (connection) => told(driver.rollbackTransaction(innerOf(connection))),
    releaseConnection: (connection) => told(driver.releaseConnection(innerOf(connection))),
    destroy: () => told(driver.destroy()),
  };
}
