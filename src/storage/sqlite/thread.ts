/** The asking side of a thread with a connection to a SQLite file. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { within } from '../../core/common/patience.ts';
import type { SchemaChange } from '../schema/database.ts';
import { seconds, storageFailed, storageTimeout } from '../map-errors.ts';
import type { FromSqlite, SqliteResult, SqliteValue, ToSqlite } from './protocol.ts';
import { PATIENT_TIMEOUTS, type StorageTimeouts } from '../timeouts.ts';

export interface SqliteThread {
  /** Statements are run in the order they were asked for, also those nobody waits for any more. @throws STORAGE_FAILED, STORAGE_TIMEOUT */
  run(sql: string, parameters?: readonly unknown[]): Promise<SqliteResult>;
  /** In one go: the lock is not held while messages travel between threads. @throws STORAGE_FAILED, STORAGE_TIMEOUT */
  changeSchema(change: SchemaChange): Promise<boolean>;
  close(): Promise<void>;
}

interface Waiting {
  resolve: (result: SqliteResult) => void;
  reject: (reason: Error) => void;
}

export interface SqliteThreadOptions {
  timeouts: Pick<StorageTimeouts, 'lockMs' | 'statementMs'>;
  /** Reads alone. */
  readOnly?: boolean;
}

/** file: a path, whose folder is made, or ':memory:'. @throws STORAGE_FAILED, STORAGE_TIMEOUT */
export async function openSqliteThread(file: string, { timeouts, readOnly = false }: SqliteThreadOptions): Promise<SqliteThread> {
  const { lockMs, statementMs } = timeouts;
  const wanted = `the SQLite file ${file}`;
  const failed = ({ message, busy }: { message: string; busy: boolean }): Error =>
    busy ? sqliteLocked(file, lockMs) : storageFailed(wanted, new Error(message));
  const silent = (waitedMs: number): Error =>
    storageTimeout(
      `an answer of ${wanted} within ${seconds(waitedMs)}`,
      'the disk does not answer',
      'Look after the disk, or raise storageTimeouts.statementMs.',
    );
  if (file !== ':memory:') {
    await mkdir(dirname(file), { recursive: true }).catch((error: unknown) => {
      throw storageFailed(wanted, error);
    });
  }
  // Flags of the calling process (--input-type, --test, loaders) are not meant for this thread.
  const worker = new Worker(workerFile(), { execArgv: [] });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let ended: Error | undefined;

  const settle = (id: number, how: (call: Waiting) => void): void => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (call) how(call);
    // A file nobody asks anything keeps no process alive.
    if (waiting.size === 0) worker.unref();
  };
  await new Promise<void>((resolve, reject) => {
    const end = (cause?: unknown): void => {
      ended ??= storageFailed(wanted, new Error(`its thread ended${cause === undefined ? '' : ` (${messageOf(cause)})`}`));
      reject(ended);
      for (const call of waiting.values()) call.reject(ended);
      waiting.clear();
    };
    worker.on('error', end);
    worker.on('exit', () => end());
    worker.on('message', (message: FromSqlite) => {
      if (message.kind === 'opened') resolve();
      else if (message.kind === 'refused') reject(failed(message));
      else if (message.kind === 'result') settle(message.id, (call) => call.resolve(message.result));
      else settle(message.id, (call) => call.reject(failed(message)));
    });
    post(worker, { kind: 'open', file, readOnly, lockMs });
  });
  worker.unref();

  const ask = (message: (id: number) => ToSqlite, longestMs = statementMs): Promise<SqliteResult> => {
    if (ended) return Promise.reject(ended);
    const id = ++lastId;
    const response = new Promise<SqliteResult>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
      post(worker, message(id));
    });
    const ms = lockMs + longestMs;
    return within(response, { ms, late: () => silent(ms) });
  };
  return {
    run: (sql, parameters = []) => ask((id) => ({ kind: 'run', id, sql, parameters: parameters as SqliteValue[] })),
    async changeSchema(change) {
      // Large tables take longer than a request may.
      const { changes } = await ask((id) => ({ kind: 'change schema', id, change }), PATIENT_TIMEOUTS.statementMs);
      return changes !== 0;
    },
    async close() {
      if (ended) return;
      const closing = ask((id) => ({ kind: 'close', id }));
      ended = new ProsamError('STORAGE_FAILED', `${wanted} is closed. Open the storage again.`);
      await closing;
    },
  };
}

export function sqliteLocked(file: string, waitedMs: number): Error {
  return storageTimeout(
    `the lock of the SQLite file ${file} within ${seconds(waitedMs)}`,
    'somebody else is writing to it',
    'Try again; if it stays so, end the program that holds it, or raise storageTimeouts.lockMs.',
  );
}

function post(worker: Worker, message: ToSqlite): void {
  worker.postMessage(message);
}

/** Beside this file: as source, or as built, which both builds start as an ES module. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`./sqlite-worker${extension}`, import.meta.url);
}
