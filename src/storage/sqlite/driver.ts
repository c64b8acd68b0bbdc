/** Assignment of SQLite connections: reads never wait for a lock, changes take turns. */
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';
import type { SchemaChange } from '../schema/database.ts';
import { createLine } from '../line.ts';
import type { SqliteThread } from './thread.ts';
import { sqliteLocked } from './thread.ts';
import { onlyReads } from '../schema/statement-kind.ts';
import type { StorageTimeouts } from '../timeouts.ts';

export interface SqliteDriverParts {
  file: string;
  writer: SqliteThread;
  /** Absent: the writer answers questions too. */
  reader?: SqliteThread;
  /** For a transaction that only reads, so that it holds up no other questions. */
  openReader?: () => Promise<SqliteThread>;
  timeouts: StorageTimeouts;
}

/** Connection lent to kysely: bound to a thread for the length of a transaction only. */
interface Lent extends DatabaseConnection {
  thread?: SqliteThread;
  giveBack?: () => void | Promise<void>;
}

export interface SqliteDriver extends Driver {
  changeSchema(change: SchemaChange): Promise<boolean>;
}

/** Once a change is acknowledged, every question asked after it sees it: each looks at the file as it is then. */
export function sqliteDriver({ file, writer, reader, openReader, timeouts }: SqliteDriverParts): SqliteDriver {
  const { statementMs } = timeouts;
  const line = createLine({ places: 1, waitMs: statementMs, late: () => sqliteLocked(file, statementMs) });
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const leave = await line.place();
    try {
      return await work();
    } finally {
      leave();
    }
  };
  const execute = ({ thread }: Lent, { sql, parameters }: CompiledQuery) => {
    if (thread) return thread.run(sql, parameters);
    if (reader && onlyReads(sql)) return reader.run(sql, parameters);
    return inTurn(() => writer.run(sql, parameters));
  };
  const end = async (lent: Lent, how: 'commit' | 'rollback'): Promise<void> => {
    const { thread } = lent;
    if (thread === undefined) return;
    const ended = thread.run(how);
    // One that got no answer is run before anything the next user asks for, so nobody need wait for it.
    if (how === 'rollback') ended.catch(() => undefined);
    else await ended;
  };

  return {
    init: () => Promise.resolve(),
    acquireConnection() {
      const lent: Lent = {
        async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
          const { rows, changes } = await execute(lent, query);
          return { rows: rows as R[], ...(changes !== undefined && { numAffectedRows: BigInt(changes) }) };
        },
        streamQuery: () => {
          throw new Error('nothing here reads a SQLite file as a stream');
        },
      };
      return Promise.resolve(lent);
    },
    async releaseConnection(lent: Lent) {
      const { giveBack } = lent;
      delete lent.thread;
      delete lent.giveBack;
      await giveBack?.();
    },
    async beginTransaction(lent: Lent, { accessMode }) {
      if (accessMode === 'read only' && openReader) {
        const thread = await openReader();
        lent.giveBack = () => thread.close();
        lent.thread = thread;
        await thread.run('begin');
        return;
      }
      lent.giveBack = await line.place();
      // Locked from the start: a transaction that read first and then wanted to write could be refused halfway.
      try {
        await writer.run('begin immediate');
      } catch (error) {
        // It may have begun all the same, where the answer came too late.
        writer.run('rollback').catch(() => undefined);
        throw error;
      }
      lent.thread = writer;
    },
    commitTransaction: (lent: Lent) => end(lent, 'commit'),
    rollbackTransaction: (lent: Lent) => end(lent, 'rollback'),
    changeSchema: (change) => inTurn(() => writer.changeSchema(change)),
    async destroy() {
      await reader?.close();
      await writer.close();
    },
  };
}
