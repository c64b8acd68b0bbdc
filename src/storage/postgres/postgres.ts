/** A Postgres database as kysely sees it: bounded pools that survive lost connections, and waits that all come to an end. */
import { setTimeout as wait } from 'node:timers/promises';
import { CompiledQuery, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import type { ClientBase, Pool, PoolClient } from 'pg';
import { messageOf } from '../../core/common/errors.ts';
import type { Log } from '../../service/ports/log.ts';
import { within } from '../../core/common/patience.ts';
import type { Database } from '../schema/database.ts';
import { optionalPackage, seconds, storageTimeout } from '../map-errors.ts';
import { MOVED_TABLES } from '../schema/copied-tables.ts';
import { postgresDriver, type PostgresPools } from './driver.ts';
import { postgresFailed } from './failures.ts';
import type { Change, Tables } from '../schema/schema.ts';
import { USUAL_TIMEOUTS, type StorageTimeouts } from '../timeouts.ts';

/** Connections of one process; changes that wait for a lock leave the others to questions. */
const MAX_WRITERS = 5;
const MAX_READERS = 5;
const MAX_LISTENERS = 1;
const IDLE_MS = 30_000;
/** Quiet connections are tried so often, so that one whose other end has gone is noticed. */
const KEEP_ALIVE_MS = 10_000;
const ASK_AGAIN_MS = 100;
/** Postgres ends a statement itself; where its word does not come, the connection is given up a little later. */
const SILENCE_FACTOR = 1.25;
/** Tables of this program are kept apart from whatever else the database holds. */
const SCHEMA = 'prosam';
/** Any number nobody else uses as an advisory lock. */
const MIGRATION_LOCK = 7_276_001;
/** Types that Postgres sends as text because they may exceed 2^53; ours never do. */
const INT8 = 20;
const NUMERIC = 1700;

export interface PostgresDatabase extends Database {
  readonly dialect: 'postgres';
  /** Pool of connections for changes. */
  readonly pool: Pool;
  /** Pool of the one connection that listens for messages, where somebody works on them. */
  readonly listeners: Pool;
  readonly timeouts: StorageTimeouts;
  /** Keeps others from changing the schema, until the change ends. */
  lockSchema(change: Change): Promise<void>;
}

export function isPostgres(database: Database): database is PostgresDatabase {
  return database.dialect === 'postgres';
}

/** url: postgres://user:password@host:port/database. @throws STORAGE_FAILED, STORAGE_TIMEOUT, PACKAGE_MISSING */
export async function openPostgres(url: string, log: Log, timeouts: StorageTimeouts = USUAL_TIMEOUTS): Promise<PostgresDatabase> {
  const { pools, close } = await openPools(url, log, timeouts);
  const connection = new Kysely<Tables>({
    dialect: {
      createDriver: () => postgresDriver(pools),
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely as Kysely<unknown>),
    },
  });
  try {
    await sql`select 1`.execute(connection);
  } catch (error) {
    await close();
    throw error;
  }
  const lockSchema = async (change: Change): Promise<void> => {
    await askForSchema(change, timeouts);
    await sql`create schema if not exists ${sql.id(SCHEMA)}`.execute(change);
  };
  return {
    ...{ connection, timeouts, lockSchema, pool: pools.writers, listeners: pools.listeners, dialect: 'postgres' },
    async hasSchema(asked) {
      const { rows } = await sql<{ found: boolean }>`select to_regclass(${`${SCHEMA}.migrations`}) is not null as found`.execute(asked);
      return rows[0]?.found === true;
    },
    changeSchema({ first, unless, statements }) {
      return connection.transaction().execute(async (change) => {
        const execute = (statement: string) => change.executeQuery(CompiledQuery.raw(statement));
        await lockSchema(change);
        await execute(first);
        if ((await execute(unless)).rows.length > 0) return false;
        for (const statement of statements) await execute(statement);
        return true;
      });
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
    close,
  };
}

/** Asked for again and again: whoever has it may be at a large table, which takes longer than one statement may. */
async function askForSchema(change: Change, { lockMs, idleTransactionMs }: StorageTimeouts): Promise<void> {
  // One that was stopped with it loses it after the idle time of its transaction.
  const until = performance.now() + Math.max(lockMs, 2 * idleTransactionMs);
  for (;;) {
    const { rows } = await sql<{ got: boolean }>`select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as got`.execute(change);
    if (rows[0]?.got === true) return;
    if (performance.now() > until)
      throw storageTimeout(
        `the schema of the Postgres database within ${seconds(Math.max(lockMs, 2 * idleTransactionMs))}`,
        'another process changes it',
        'Wait for that one, then start again.',
      );
    await wait(ASK_AGAIN_MS);
  }
}

interface OpenPools {
  pools: PostgresPools & { listeners: Pool };
  close: () => Promise<void>;
}

async function openPools(url: string, log: Log, timeouts: StorageTimeouts): Promise<OpenPools> {
  const { default: pg } = await optionalPackage('pg', 'a Postgres database', () => import('pg'));
  const { getTypeParser: usual } = pg.types as { getTypeParser: (id: number, format?: string) => (value: string) => unknown };
  const types = {
    getTypeParser: (id: number, format?: string) => (id === INT8 || id === NUMERIC ? Number : usual(id, format)),
  } as typeof pg.types;
  const open = new Set<PoolClient>();
  const newPool = (max: number, settings: Readonly<Record<string, string>>): Pool => {
    // Said once connected and not as connections are made: poolers such as PgBouncer take few parameters there.
    const session = Object.entries(settings)
      .map(([name, value]) => `set ${name} to ${value}`)
      .join('; ');
    // The pool waits for it, whatever its types say: nobody is lent a connection without them.
    const prepared: object = { onConnect: (client: ClientBase) => client.query(session) };
    const pool = new pg.Pool({
      ...{ connectionString: new URL(url).href, max, application_name: 'prosam', types },
      ...{ connectionTimeoutMillis: timeouts.connectMs, idleTimeoutMillis: IDLE_MS },
      ...{ keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_MS },
      query_timeout: Math.ceil(timeouts.statementMs * SILENCE_FACTOR),
      ...prepared,
    });
    // A connection may be lost while nobody waits for its answer; unheard, that would end the process.
    pool.on('error', (error) => log.warn({ error: messageOf(error) }, 'a connection to Postgres was lost'));
    pool.on('connect', (client) => {
      client.on('error', () => undefined);
      open.add(client);
    });
    pool.on('remove', (client) => void open.delete(client));
    return pool;
  };
  const usualSettings = {
    search_path: SCHEMA,
    statement_timeout: String(timeouts.statementMs),
    lock_timeout: String(timeouts.lockMs),
    idle_in_transaction_session_timeout: String(timeouts.idleTransactionMs),
  };
  let pools: OpenPools['pools'];
  try {
    pools = {
      writers: newPool(MAX_WRITERS, usualSettings),
      readers: newPool(MAX_READERS, { ...usualSettings, default_transaction_read_only: 'on' }),
      listeners: newPool(MAX_LISTENERS, usualSettings),
    };
  } catch (error) {
    throw postgresFailed(error);
  }
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    const ended = Promise.all(Object.values(pools).map((pool: Pool) => pool.end()));
    // What somebody still waits for is given a little time; then the connections are cut.
    await within(ended, { ms: timeouts.connectMs }).catch(() => undefined);
    for (const client of open) (client as PoolClient & { end(): Promise<void>; unref(): void }).end().catch(() => undefined);
    // A goodbye that nobody answers keeps no process alive.
    for (const client of open) (client as PoolClient & { unref(): void }).unref();
  };
  return { pools, close: () => (closing ??= closeAll()) };
}
