/** Assignment of Postgres connections: statements that wait for locks leave some to plain reads. */
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import type { Pool, PoolClient, QueryResult as Answer } from 'pg';
import { isConnectionLost, postgresFailed } from './failures.ts';
import { onlyReads } from '../schema/statement-kind.ts';

export interface PostgresPools {
  /** For transactions and single changes. */
  writers: Pool;
  /** For questions; its sessions refuse anything else. */
  readers: Pool;
}

/** Connection lent to kysely: bound to a real one for the length of a transaction only. */
interface Lent extends DatabaseConnection {
  client?: PoolClient;
  /** Reason why the connection is unusable. */
  lost?: unknown;
  note?: (error: Error) => void;
}

type Counted = Answer<Record<string, unknown>>;
const CHANGES = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'];

export function postgresDriver({ writers, readers }: PostgresPools): Driver {
  const borrow = async (pool: Pool): Promise<PoolClient> => {
    try {
      return await pool.connect();
    } catch (error) {
      throw postgresFailed(error);
    }
  };
  /** One statement on a connection of its own. */
  const alone = async ({ sql, parameters }: CompiledQuery): Promise<Counted> => {
    const client = await borrow(onlyReads(sql) ? readers : writers);
    try {
      const response = await client.query<Record<string, unknown>>(sql, [...parameters]);
      client.release();
      return response;
    } catch (error) {
      // Given back while it still waits for an answer, it would keep the next user waiting as well.
      client.release(isConnectionLost(error));
      throw postgresFailed(error);
    }
  };
  const inTransaction = async (lent: Lent, client: PoolClient, sql: string, parameters: readonly unknown[] = []): Promise<Counted> => {
    try {
      if (lent.lost !== undefined) throw lent.lost as Error;
      return await client.query<Record<string, unknown>>(sql, [...parameters]);
    } catch (error) {
      // What the server said as it ended the session tells more than that the session has ended.
      if (isConnectionLost(error)) lent.lost ??= error;
      throw postgresFailed(lent.lost ?? error);
    }
  };

  return {
    init: () => Promise.resolve(),
    acquireConnection() {
      const lent: Lent = {
        async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
          const { client } = lent;
          const { command, rowCount, rows } = client ? await inTransaction(lent, client, query.sql, query.parameters) : await alone(query);
          // Of several statements sent as one there is no such list.
          const found = ((rows as unknown) ?? []) as R[];
          return { rows: found, ...(CHANGES.includes(command) && { numAffectedRows: BigInt(rowCount ?? 0) }) };
        },
        streamQuery: () => {
          throw new Error('nothing here reads Postgres as a stream');
        },
      };
      return Promise.resolve(lent);
    },
    releaseConnection(lent: Lent) {
      const { client, note, lost } = lent;
      if (note) client?.off('error', note);
      client?.release(lost !== undefined);
      delete lent.client;
      return Promise.resolve();
    },
    async beginTransaction(lent: Lent, settings) {
      const client = await borrow(settings.accessMode === 'read only' ? readers : writers);
      lent.client = client;
      lent.note = (error) => (lent.lost ??= error);
      client.on('error', lent.note);
      await inTransaction(lent, client, beginning(settings));
    },
    async commitTransaction(lent: Lent) {
      if (lent.client === undefined) return;
      const { command } = await inTransaction(lent, lent.client, 'commit');
      // The answer of Postgres where an earlier statement had failed.
      if (command === 'ROLLBACK') throw postgresFailed(new Error('a transaction was undone instead of kept'));
    },
    async rollbackTransaction(lent: Lent) {
      // Closing a connection undoes its transaction too; why it failed is known already.
      if (lent.client && lent.lost === undefined) await inTransaction(lent, lent.client, 'rollback').catch(() => (lent.lost ??= true));
    },
    destroy: () => Promise.resolve(),
  };
}

function beginning({ isolationLevel, accessMode }: TransactionSettings): string {
  if (isolationLevel === undefined && accessMode === undefined) return 'begin';
  return ['start transaction', ...(isolationLevel ? [`isolation level ${isolationLevel}`] : []), accessMode ?? ''].join(' ').trim();
}
