/** The thread that owns the SQLite file: waiting for the disk or for another process's lock blocks nobody else. */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import type { FromSqlite, SqliteResult, SqliteValue, ToSqlite } from './sqlite-protocol.ts';

/** Another process may hold the file for the length of a transaction, or of a checkpoint of its log. */
const BUSY_MS = 10_000;
/** Statements are few, but some grow with the number of rows they insert. */
const MOST_STATEMENTS = 300;

const port = parentPort;
if (port === null) throw new Error('the thread of a SQLite file must be started by openStorage()');
const send = (message: FromSqlite): void => {
  port.postMessage(message);
};
const statements = new Map<string, { statement: StatementSync; answers: boolean }>();
let database: DatabaseSync | undefined;

function open(file: string): void {
  try {
    database = new DatabaseSync(file, { timeout: BUSY_MS, enableForeignKeyConstraints: true });
    // FULL: what was committed survives the power going off, which is what an acknowledged annotation promises.
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536; pragma temp_store = memory;');
    send({ kind: 'opened' });
  } catch (error) {
    send({ kind: 'refused', message: messageOf(error) });
    port?.close();
  }
}

function prepared(sql: string): { statement: StatementSync; answers: boolean } {
  const known = statements.get(sql);
  if (known) {
    statements.delete(sql);
    statements.set(sql, known);
    return known;
  }
  if (database === undefined) throw new Error('the file is closed');
  const statement = database.prepare(sql);
  const made = { statement, answers: statement.columns().length > 0 };
  statements.set(sql, made);
  const [oldest] = statements.keys();
  if (statements.size > MOST_STATEMENTS && oldest !== undefined) statements.delete(oldest);
  return made;
}

function run(sql: string, parameters: SqliteValue[]): SqliteResult {
  const { statement, answers } = prepared(sql);
  if (answers) return { rows: statement.all(...parameters) };
  return { rows: [], changes: Number(statement.run(...parameters).changes) };
}

function answer(message: Exclude<ToSqlite, { kind: 'open' }>): SqliteResult {
  if (message.kind === 'run') return run(message.sql, message.parameters);
  statements.clear();
  database?.close();
  database = undefined;
  return { rows: [] };
}

port.on('message', (message: ToSqlite) => {
  if (message.kind === 'open') {
    open(message.file);
    return;
  }
  try {
    send({ kind: 'result', id: message.id, result: answer(message) });
  } catch (error) {
    send({ kind: 'error', id: message.id, message: messageOf(error) });
  }
  if (message.kind === 'close') port.close();
});
