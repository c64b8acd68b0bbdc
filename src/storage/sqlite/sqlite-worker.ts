/** A thread with a connection to the SQLite file: waiting for the disk or for another process's lock blocks nobody else. */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { createLruMap } from '../../core/common/lru-map.ts';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../core/common/errors.ts';
import type { SchemaChange } from '../schema/database.ts';
import type { FromSqlite, SqliteOpening, SqliteResult, SqliteValue, ToSqlite } from './protocol.ts';

/** Statements are few, but some grow with the number of rows they insert. */
const MAX_STATEMENTS = 300;
/**
 * Pages kept by each of the two connections of a service, in KiB: beyond that the system's own cache answers (lists of 1,000 from 60,000
 * annotations in 8 to 10 ms with 8 MiB, in 8 ms with 64 MiB, which a growing file fills for hours and which then stay taken).
 */
const CACHE_KIB = 16 * 1024;
const LOOK_AGAIN_MS = 10;

const port = parentPort;
if (port === null) throw new Error('the thread of a SQLite file must be started by openStorage()');
const send = (message: FromSqlite): void => {
  port.postMessage(message);
};
const statements = createLruMap<string, { statement: StatementSync; responses: boolean }>({ max: MAX_STATEMENTS });
let database: DatabaseSync | undefined;

function open({ file, readOnly, lockMs }: SqliteOpening): void {
  try {
    database = new DatabaseSync(file, { timeout: lockMs, readOnly, enableForeignKeyConstraints: true });
    // With a log beside the file, those who read and the one who writes do not wait for each other.
    // FULL: what was committed survives the power going off, which is what an acknowledged annotation promises.
    if (!readOnly) keepLog(database, lockMs);
    database.exec('pragma synchronous = full;');
    database.exec(`pragma cache_size = -${CACHE_KIB}; pragma temp_store = memory;`);
    send({ kind: 'opened' });
  } catch (error) {
    send({ kind: 'refused', message: messageOf(error), busy: isBusy(error) });
    port?.close();
  }
}

/** Asked for again and again: of two that open a new file at once, SQLite refuses one without letting it wait. */
function keepLog(file: DatabaseSync, lockMs: number): void {
  const until = performance.now() + lockMs;
  for (;;) {
    try {
      file.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
    }
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED, whatever they say more closely. */
function isBusy(error: unknown): boolean {
  const { errcode = 0 } = error as { errcode?: number };
  return [5, 6].includes(errcode & 0xff);
}

function opened(): DatabaseSync {
  if (database === undefined) throw new Error('the file is closed');
  return database;
}

function prepared(sql: string): { statement: StatementSync; responses: boolean } {
  const known = statements.get(sql);
  if (known) return known;
  const statement = opened().prepare(sql);
  const made = { statement, responses: statement.columns().length > 0 };
  statements.set(sql, made);
  return made;
}

function run(sql: string, parameters: SqliteValue[]): SqliteResult {
  const { statement, responses } = prepared(sql);
  if (responses) return { rows: statement.all(...parameters) };
  return { rows: [], changes: Number(statement.run(...parameters).changes) };
}

function changeSchema({ first, unless, statements: steps }: SchemaChange): SqliteResult {
  const file = opened();
  file.exec('begin immediate');
  try {
    file.exec(first);
    if (file.prepare(unless).get() !== undefined) {
      file.exec('rollback');
      return { rows: [], changes: 0 };
    }
    for (const step of steps) file.exec(step);
    file.exec('commit');
  } catch (error) {
    if (file.isTransaction) file.exec('rollback');
    throw error;
  }
  return { rows: [], changes: steps.length };
}

function response(message: Exclude<ToSqlite, { kind: 'open' }>): SqliteResult {
  if (message.kind === 'run') return run(message.sql, message.parameters);
  if (message.kind === 'change schema') return changeSchema(message.change);
  statements.clear();
  database?.close();
  database = undefined;
  return { rows: [] };
}

port.on('message', (message: ToSqlite) => {
  if (message.kind === 'open') {
    open(message);
    return;
  }
  try {
    send({ kind: 'result', id: message.id, result: response(message) });
  } catch (error) {
    send({ kind: 'error', id: message.id, message: messageOf(error), busy: isBusy(error) });
  }
  if (message.kind === 'close') port.close();
});
