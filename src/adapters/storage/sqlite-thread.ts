/** The asking side of a SQLite file's thread. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf, ProsamError } from '../../core/errors.ts';
import { storageFailed } from './failures.ts';
import type { FromSqlite, SqliteResult, SqliteValue, ToSqlite } from './sqlite-protocol.ts';

export interface SqliteThread {
  run(sql: string, parameters: readonly unknown[]): Promise<SqliteResult>;
  close(): Promise<void>;
}

interface Waiting {
  resolve: (result: SqliteResult) => void;
  reject: (reason: Error) => void;
}

/** file: a path, whose folder is made, or ':memory:'. @throws STORAGE_FAILED */
export async function openSqliteThread(file: string): Promise<SqliteThread> {
  const wanted = `the SQLite file ${file}`;
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
      else if (message.kind === 'refused') reject(storageFailed(wanted, new Error(message.message)));
      else if (message.kind === 'result') settle(message.id, (call) => call.resolve(message.result));
      else settle(message.id, (call) => call.reject(storageFailed(wanted, new Error(message.message))));
    });
    post(worker, { kind: 'open', file });
  });
  worker.unref();

  const ask = (message: (id: number) => ToSqlite): Promise<SqliteResult> => {
    if (ended) return Promise.reject(ended);
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
      post(worker, message(id));
    });
  };
  return {
    run: (sql, parameters) => ask((id) => ({ kind: 'run', id, sql, parameters: parameters as SqliteValue[] })),
    async close() {
      if (ended) return;
      const closing = ask((id) => ({ kind: 'close', id }));
      ended = new ProsamError('STORAGE_FAILED', `${wanted} is closed. Open the storage again.`);
      await closing;
    },
  };
}

function post(worker: Worker, message: ToSqlite): void {
  worker.postMessage(message);
}

/** Beside this file: as source, or as one of the two builds. */
function workerFile(): URL {
  const extension = /\.(ts|cjs|js)$/.exec(import.meta.url)?.[0] ?? '.js';
  return new URL(`./sqlite-worker${extension}`, import.meta.url);
}
