/** Rows and messages of a whole store, as a stream from one database and into another. */
import { sql } from 'kysely';
import { ProsamError } from '../../core/common/errors.ts';
import type { Message } from '../../service/ports/storage.ts';
import { MOVED_TABLES, type MovedTable } from '../schema/copied-tables.ts';
import type { OpenStorage } from '../open-storage.ts';
import type { Change, Connection } from '../schema/schema.ts';

export type Row = Record<string, unknown>;
export type Entry = { table: MovedTable; row: Row } | { message: Message };

/** Rows of one statement. */
const ROWS_AT_ONCE = 500;

export async function countRows({ connection }: { connection: Connection }): Promise<number> {
  let rows = 0;
  for (const { name } of MOVED_TABLES) {
    const counted = await connection
      .selectFrom(name)
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    rows += counted.rows;
  }
  return rows;
}

/** Everything as it stands at one moment, what waits in the queue included: a job and its message come together. */
export async function* readEntries({ database, queue }: OpenStorage): AsyncGenerator<Entry> {
  const moment = await database.connection.startTransaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute();
  try {
    for (const table of MOVED_TABLES) {
      for (let last: Row | undefined; ;) {
        const page = await pageOf(moment, table, last);
        for (const row of page) yield { table, row };
        last = page.at(-1);
        if (page.length < ROWS_AT_ONCE) break;
      }
    }
    for await (const message of queue.pending(moment)) yield { message };
  } finally {
    await moment.rollback().execute();
  }
}

async function pageOf(connection: Connection, { name, key }: MovedTable, last: Row | undefined): Promise<Row[]> {
  const columns = sql.join(key.map((column) => sql.ref(column)));
  const after = last ? sql`where (${columns}) > (${sql.join(key.map((column) => last[column]))})` : sql``;
  const { rows } = await sql<Row>`select * from ${sql.table(name)} ${after} order by ${columns} limit ${sql.lit(ROWS_AT_ONCE)}`.execute(
    connection,
  );
  return rows;
}

/** All of it or nothing. replace: what is there goes in the same transaction. -> rows written. @throws OPTION_INVALID where it is not empty */
export async function writeEntries(
  { database, queue }: OpenStorage,
  entries: AsyncIterable<Entry>,
  onRow: (what: string) => void,
  { replace = false }: { replace?: boolean } = {},
): Promise<number> {
  if (!replace) await requireEmpty(database);
  return database.connection.transaction().execute(async (change) => {
    if (replace) {
      for (const { name } of [...MOVED_TABLES].reverse()) await change.deleteFrom(name).execute();
      await queue.clear(change);
    }
    let written = 0;
    let waiting: { table: MovedTable; rows: Row[] } | undefined;
    const write = async (): Promise<void> => {
      if (waiting) await insert(change, waiting.table, waiting.rows);
      waiting = undefined;
    };
    for await (const entry of entries) {
      if ('message' in entry) {
        await write();
        await queue.outbox.prepare([entry.message]);
        await queue.outbox.enqueue(change, [entry.message]);
        continue;
      }
      if (waiting && (waiting.table !== entry.table || waiting.rows.length >= ROWS_AT_ONCE)) await write();
      waiting ??= { table: entry.table, rows: [] };
      waiting.rows.push(entry.row);
      written++;
      onRow(entry.table.name);
    }
    await write();
    await database.afterImport(change);
    return written;
  });
}

async function insert(change: Change, { name }: MovedTable, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`);
  await sql`insert into ${sql.table(name)} (${sql.join(columns.map((column) => sql.ref(column)))}) values ${sql.join(values)}`.execute(
    change,
  );
}

/** @throws OPTION_INVALID */
export async function requireEmpty(database: { connection: Connection }): Promise<void> {
  const rows = await countRows(database);
  if (rows > 0)
    throw new ProsamError('OPTION_INVALID', `expected an empty database to move everything to, got one with ${rows} rows. Name a new one.`);
}
