/** A real Postgres with pg-boss: everything every store must do. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { StoragePlace } from '../../../src/testing/storage/place.ts';
import { testStorage } from '../../../src/testing/storage/storage.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from './start-postgres.ts';

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
      open: () => openStorage({ database, objects: folder }),
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  }

  // pg-boss looks for messages nobody ended every few seconds.
  testStorage({ afterAll, beforeAll, describe, it }, { place, orders: 15 });
});
