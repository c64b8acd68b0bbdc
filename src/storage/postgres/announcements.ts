/** Word that messages came, between all processes on one Postgres (LISTEN and NOTIFY): workers hear of them before they look again. */
import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import type { Connection } from '../schema/schema.ts';

const CHANNEL = 'prosam_queue';
/** Rest before listening again, after the connection was lost. */
const TROUBLE_MS = 1000;

/** Tells names of queues to those who listen, once each however often they came meanwhile. What cannot be told is found by looking. */
export function announcer(connection: Connection): (names: Iterable<string>) => void {
  const untold = new Set<string>();
  let telling = false;
  const tell = async (): Promise<void> => {
    telling = true;
    for (const name of untold) {
      untold.delete(name);
      await sql`notify ${sql.id(CHANNEL)}, ${sql.lit(name)}`.execute(connection).catch(() => undefined);
    }
    telling = false;
  };
  return (names) => {
    for (const name of names) untold.add(name);
    if (!telling) void tell();
  };
}

/** One process's listening. */
export interface Ear {
  close(): Promise<void>;
}

/** pool: lends the connection that listens. heard: a queue's name; undefined where anything may have been missed. */
export function listen(pool: Pool, heard: (name: string | undefined) => void): Ear {
  const closing = new AbortController();
  const { signal } = closing;
  const listenOnce = async (): Promise<void> => {
    const client = await pool.connect();
    try {
      const lost = lossOf(client, signal);
      client.on('notification', ({ payload }) => heard(payload));
      await client.query(`listen ${CHANNEL}`);
      heard(undefined);
      await lost;
    } finally {
      client.release(true);
    }
  };
  const listenOn = async (): Promise<void> => {
    while (!signal.aborted) {
      // Whoever asks the database learns why it does not answer.
      await listenOnce().catch(() => undefined);
      await wait(TROUBLE_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const listening = listenOn();
  return {
    async close() {
      closing.abort();
      await listening;
    },
  };
}

/** Resolves once the connection is gone, or the signal aborts. */
function lossOf(client: PoolClient, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    client.once('error', () => resolve());
    client.once('end', () => resolve());
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
