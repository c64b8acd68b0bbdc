/** Postgres with holders that were stopped, and connections on which nothing moves any more. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { openStorage, openWholeStorage } from '../../../src/storage/open-storage.ts';
import type { PostgresDatabase } from '../../../src/storage/postgres/postgres.ts';
import { USUAL_TIMEOUTS } from '../../../src/storage/timeouts.ts';
import { newProject, recordOf } from '../../../src/testing/storage/records.ts';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from '../../unit/storage/start-postgres.ts';
import { startHolder } from './holder.ts';
import { startStallingProxy, type StallingProxy } from './stalling-proxy.ts';
import { untilAnswered } from './until-answered.ts';

const objects = mkdtempSync(join(tmpdir(), 'prosam-stall-'));
const LONG = { lockMs: 600_000, statementMs: 600_000, idleTransactionMs: 600_000 };

describe.skipIf(postgresPrograms() === undefined)('Postgres (needs the postgresql programs)', () => {
  let server: PostgresServer;
  let database: string;
  let proxy: StallingProxy;
  let through: string;
  beforeAll(async () => {
    server = await startPostgres();
    database = await server.createDatabase();
    proxy = await startStallingProxy(Number(new URL(database).port));
    const url = new URL(database);
    url.port = String(proxy.port);
    through = url.href;
    await (await openStorage({ database, objects })).close();
  });
  afterAll(async () => {
    await proxy.close();
    await server.stop();
  });
  const holding = (project: string, timeouts = LONG) => startHolder({ kind: 'project', database, objects, project, timeouts });

  it('ends the transaction of a predictor that was stopped in it: others go on by themselves, and so does that one later', async () => {
    const project = newProject();
    const storage = await openStorage({ database, objects, timeouts: LONG });
    const holder = await holding(project, { ...LONG, idleTransactionMs: 1000 });
    try {
      holder.stop();
      // Nobody gives anything back: the database itself ends the transaction.
      expect(await storage.store.annotations.accept(recordOf(project), [{ name: 'after', data: 1 }])).toBe('stored');
      holder.goOn();
      expect(await holder.release()).toBe('STORAGE_TIMEOUT');
      expect(await holder.again()).toBe('stored');
      expect(await storage.store.annotations.list(project, { limit: 10 })).toHaveLength(2);
    } finally {
      await holder.kill();
      await storage.close();
    }
  });

  it('refuses who waits too long for a lock, keeps nothing of it, and stores it once the lock is given back', async () => {
    const [project, other] = [newProject(), newProject()];
    const storage = await openStorage({ database, objects, timeouts: { lockMs: 300 } });
    const holder = await holding(project);
    try {
      holder.stop();
      // More than there are connections; the last ones wait in a line of this process.
      const refused = Array.from({ length: 3 }, () =>
        expectRejection(
          'STORAGE_TIMEOUT',
          storage.store.annotations.accept(recordOf(project), [{ name: 'after', data: 1 }]),
          'lock',
          'Try again',
        ),
      );
      await Promise.all(refused);
      await untilAnswered(() => storage.store.annotations.accept(recordOf(other), []));
      expect(await storage.store.annotations.list(other, { limit: 10 })).toHaveLength(1);
      expect(await storage.store.annotations.list(project, { limit: 10 })).toEqual([]);
      holder.goOn();
      expect(await holder.release()).toBe('kept');
      expect(await storage.store.annotations.accept(recordOf(project), [])).toBe('stored');
    } finally {
      await holder.kill();
      await storage.close();
    }
  });

  it('lets other projects change while many changes of one wait for its lock', async () => {
    const [project, other] = [newProject(), newProject()];
    const storage = await openStorage({ database, objects, timeouts: LONG });
    const holder = await holding(project);
    const events: string[] = [];
    try {
      holder.stop();
      const waiting = Array.from({ length: 30 }, (_, i) =>
        storage.store.annotations.accept(recordOf(project, { externalId: `${i}` }), []).then((outcome) => void events.push(outcome)),
      );
      for (let i = 0; i < 5; i++) await storage.store.annotations.accept(recordOf(other, { externalId: `${i}` }), []);
      await storage.queue.send({ name: 'anything', data: 1 });
      await storage.store.ping();
      events.push('others went on');
      holder.goOn();
      await holder.release();
      await Promise.all(waiting);
      expect(events).toEqual(['others went on', ...waiting.map(() => 'stored')]);
    } finally {
      await holder.kill();
      await storage.close();
    }
  });

  it('gives a connection up on which nothing comes back, and goes on with others', async () => {
    const project = newProject();
    const timeouts = { connectMs: 400, statementMs: 400, lockMs: 300 };
    const storage = await untilAnswered(() => openStorage({ database: through, objects, timeouts }));
    const { store, queue } = storage;
    try {
      await untilAnswered(() => store.annotations.accept(recordOf(project), []));
      proxy.stall();
      // More than there are connections, of every kind.
      const refused = Array.from({ length: 8 }, (_, i) => [
        expectRejection('STORAGE_TIMEOUT', store.ping()),
        expectRejection('STORAGE_TIMEOUT', store.annotations.accept(recordOf(newProject(), { externalId: `${i}` }), [])),
        expectRejection('STORAGE_TIMEOUT', queue.send({ name: 'work', data: 1 })),
      ]);
      await Promise.all(refused.flat());
      await expectRejection('STORAGE_TIMEOUT', openStorage({ database: through, objects, timeouts }));
      proxy.resume();
      await untilAnswered(() => store.annotations.accept(recordOf(project, { revision: 2 }), []));
      const [{ revision } = {}] = await untilAnswered(() => store.annotations.list(project, { limit: 1 }));
      expect(revision).toBe(2);
      await untilAnswered(() => store.ping());
      await untilAnswered(() => queue.send({ name: 'work', data: 1 }));
    } finally {
      proxy.resume();
      await storage.close();
    }
  });

  it('closes although nobody answers its goodbye', async () => {
    const storage = await untilAnswered(() =>
      openStorage({ database: through, objects, timeouts: { connectMs: 300, statementMs: 600_000 } }),
    );
    await untilAnswered(() => storage.store.ping());
    proxy.stall();
    try {
      // The queue looks after itself at any time, and then waits as well.
      await storage.close();
      await expect(storage.store.ping()).rejects.toThrow();
    } finally {
      proxy.resume();
    }
  });

  it('says what it wants once connected: connection poolers refuse most of it before', async () => {
    proxy.greetings.length = 0;
    const storage = await openWholeStorage({ database: through, objects });
    const asked = (
      await sql<{ name: string; setting: string }>`
      select name, setting from pg_settings where name in
        ('search_path', 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'default_transaction_read_only')`.execute(
        storage.database.connection,
      )
    ).rows;
    const { statementMs, lockMs, idleTransactionMs } = USUAL_TIMEOUTS;
    expect(Object.fromEntries(asked.map(({ name, setting }) => [name, setting]))).toEqual({
      ...{ search_path: 'prosam', statement_timeout: `${statementMs}`, lock_timeout: `${lockMs}` },
      ...{ idle_in_transaction_session_timeout: `${idleTransactionMs}`, default_transaction_read_only: 'on' },
    });
    const inChange = await storage.database.connection
      .transaction()
      .execute((change) => sql<{ writes: string }>`select current_setting('default_transaction_read_only') as writes`.execute(change));
    expect(inChange.rows).toEqual([{ writes: 'off' }]);
    await storage.close();
    expect(proxy.greetings.length).toBeGreaterThan(0);
    for (const greeting of proxy.greetings) {
      // Length, version of the protocol, then names and values.
      const words = greeting.subarray(8).toString('latin1').split('\0');
      const names = words.filter((_, i) => i % 2 === 0 && words[i] !== '');
      expect(['user', 'database', 'application_name', 'client_encoding']).toEqual(expect.arrayContaining(names));
    }
  });

  it('makes its schema although one that was stopped had begun to', async () => {
    const fresh = await server.createDatabase();
    const first = await openWholeStorage({ database: fresh, objects, timeouts: { idleTransactionMs: 600 } });
    let begun = (): void => undefined;
    const locked = new Promise<void>((resolve) => (begun = resolve));
    // Holds the lock of the schema and does nothing any more, as a process that was stopped there.
    const stuck = first.database.connection.transaction().execute(async (change) => {
      await (first.database as PostgresDatabase).lockSchema(change);
      begun();
      await opened;
      await sql`select 1`.execute(change);
    });
    const opened: Promise<unknown> = locked.then(() => openStorage({ database: fresh, objects }));
    await expectRejection('STORAGE_TIMEOUT', stuck, 'idleTransactionMs');
    await ((await opened) as { close(): Promise<void> }).close();
    await first.close();
  });
});
