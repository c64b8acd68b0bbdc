/** The schema comes by itself, once, and is never taken back. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS, migrationStatus } from '../../../src/storage/schema/migrations.ts';
import { migrateDatabase, openDatabase, openWholeStorage } from '../../../src/storage/open-storage.ts';
import { expectRejection } from '../core/expect-error.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from './start-postgres.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'prosam-migrations-'));

function conformance(newDatabase: () => Promise<string>): void {
  it('is made by whoever opens the database first, also by ten at once', async () => {
    const [database, objects] = [await newDatabase(), newFolder()];
    const opened = await Promise.all(Array.from({ length: 10 }, () => openWholeStorage({ database, objects })));
    await Promise.all(opened.map(({ store }) => store.ping()));
    const rows = await opened[0]?.database.connection.selectFrom('migrations').select(['version', 'name']).execute();
    expect(rows).toEqual(MIGRATIONS.map(({ version, name }) => ({ version, name })));
    await Promise.all(opened.map((storage) => storage.close()));
  });

  it('is only looked at where migrating is not expected', async () => {
    const [database, objects] = [await newDatabase(), newFolder()];
    await expectRejection('MIGRATION_NEEDED', openWholeStorage({ database, objects, migrate: false }), 'prosam db migrate');
    const looking = await openDatabase(database);
    expect(await migrationStatus(looking)).toMatchObject({
      ...{ database: 0, code: MIGRATIONS.length },
      pending: MIGRATIONS.map(({ version }) => ({ version })),
    });
    await looking.close();
    expect(await migrateDatabase(database)).toBe(MIGRATIONS.length);
    expect(await migrateDatabase(database)).toBe(0);
    const storage = await openWholeStorage({ database, objects, migrate: false });
    expect(await migrationStatus(storage.database)).toEqual({ database: MIGRATIONS.length, code: MIGRATIONS.length, pending: [] });
    await storage.close();
  });

  it('of a newer prosam is refused, and left alone', async () => {
    const [database, objects] = [await newDatabase(), newFolder()];
    await migrateDatabase(database);
    const newer = await openDatabase(database);
    await newer.connection.insertInto('migrations').values({ version: 99, name: 'the future', applied_ms: 1 }).execute();
    await expectRejection('MIGRATION_NEEDED', openWholeStorage({ database, objects }), 'schema 99', 'Update prosam');
    await expectRejection('MIGRATION_NEEDED', openWholeStorage({ database, objects, migrate: false }), 'Update prosam');
    await expectRejection('MIGRATION_NEEDED', migrateDatabase(database));
    expect(await sql<{ n: number }>`select count(*) as n from migrations`.execute(newer.connection)).toMatchObject({
      rows: [{ n: MIGRATIONS.length + 1 }],
    });
    await newer.close();
  });
}

describe('the schema of SQLite', () => {
  conformance(() => Promise.resolve(join(newFolder(), 'below', 'prosam.db')));

  it('is changed in one go: its lock waits for no message of the thread that asked', async () => {
    const file = join(newFolder(), 'prosam.db');
    const opened = await openDatabase(file);
    const changed = opened.changeSchema({
      first: 'create table a (n)',
      unless: 'select 1 from a',
      statements: ['insert into a values (1)'],
    });
    // From here on this thread hears of nothing until the change can be read.
    await Promise.resolve();
    const looking = new DatabaseSync(file, { readOnly: true });
    const done = (): boolean => looking.prepare(`select 1 from sqlite_master where name = 'a'`).get() !== undefined;
    for (let looks = 0; !done(); looks++) {
      if (looks === 6000) throw new Error('the change waits for this thread');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
    expect({ ...looking.prepare('select n from a').get() }).toEqual({ n: 1 });
    looking.close();
    expect(await changed).toBe(true);
    await opened.close();
  });

  it('is changed by one of those that found the same, and wholly or not at all', async () => {
    const opened = await openDatabase(join(newFolder(), 'prosam.db'));
    const change = { first: 'create table if not exists a (n)', unless: 'select 1 from a', statements: ['insert into a values (1)'] };
    await expectRejection('STORAGE_FAILED', opened.changeSchema({ ...change, statements: [...change.statements, 'no sql'] }));
    expect((await sql`select name from sqlite_master`.execute(opened.connection)).rows).toEqual([]);
    expect(await opened.changeSchema(change)).toBe(true);
    expect(await opened.changeSchema(change)).toBe(false);
    expect((await sql`select n from a`.execute(opened.connection)).rows).toEqual([{ n: 1 }]);
    await opened.close();
  });

  it('waits for a file that another one is about to write to, although SQLite refuses its log there at once', async () => {
    const file = join(newFolder(), 'prosam.db');
    const other = new DatabaseSync(file);
    other.exec('begin immediate');
    const opening = openDatabase(file);
    // Time for the refusal to come; on a machine where it comes later, nothing is refused.
    await Promise.race([wait(300), opening]);
    other.exec('rollback');
    other.close();
    await (await opening).close();
  });

  it('has steps numbered from 1 without gaps', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
  });
});

describe.skipIf(postgresPrograms() === undefined)('the schema of Postgres (needs the postgresql programs)', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.stop();
  });
  conformance(() => server.createDatabase());
});
