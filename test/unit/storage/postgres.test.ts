/** A real Postgres with pg-boss: everything every store must do. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { StoragePlace } from '../../../src/testing/storage/place.ts';
import { testStorage } from '../../../src/testing/storage/storage.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from './start-postgres.ts';

/** Longer than any test takes. */
const NEVER_MS = 2 ** 31 - 1;

describe.skipIf(postgresPrograms() === undefined)('Postgres (needs the postgresql programs)', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.stop();
  });

  async function place(): Promise<StoragePlace> {
    const database = await server.createDatabase();
    const folder = mkdtempSync(join(tmpdir(), 'prosam-blobs-'));
    return {
      open: (options) => openStorage({ database, objects: folder, ...options }),
      wakesOthers: true,
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  }

  it('wakes workers again after the connection that listens was lost', async () => {
    const storagePlace = await place();
    const open = () => storagePlace.open({ pollMs: NEVER_MS });
    const [waiting, other] = [await open(), await open()];
    const listeners = async (): Promise<number[]> => {
      const { rows } = await server.ask("select pid from pg_stat_activity where query ilike 'listen %' order by pid");
      return (rows as { pid: number }[]).map(({ pid }) => pid);
    };
    let heard = (): void => undefined;
    await waiting.queue.work('wake', () => {
      heard();
      return Promise.resolve();
    });
    const handed = async (): Promise<void> => {
      const done = new Promise<void>((resolve) => (heard = resolve));
      await other.queue.send({ name: 'wake', data: 1 });
      await done;
    };
    await handed();
    await expect.poll(listeners).toHaveLength(1);
    const [before] = await listeners();
    await server.ask(`select pg_terminate_backend(${before})`);
    await expect.poll(async () => (await listeners()).filter((pid) => pid !== before)).toHaveLength(1);
    await handed();
    for (const storage of [waiting, other]) await storage.close();
    await storagePlace.remove();
  });

  // pg-boss looks for messages nobody ended every few seconds.
  testStorage({ afterAll, beforeAll, describe, it }, { place, orders: 15 });
});
