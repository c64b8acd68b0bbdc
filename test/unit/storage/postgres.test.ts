/** A real Postgres with pg-boss: everything every store must do. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { annotationModelConformance } from '../../contract/annotation-model.ts';
import { annotationConformance } from '../../contract/annotations.ts';
import { longestNamesConformance } from '../../contract/longest-names.ts';
import { batchConformance } from '../../contract/batches.ts';
import { imageConformance } from '../../contract/images.ts';
import type { Place } from '../../contract/place.ts';
import { queueConformance } from '../../contract/queue.ts';
import { runConformance } from '../../contract/runs.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from './start-postgres.ts';

describe.skipIf(postgresPrograms() === undefined)('Postgres (needs the postgresql programs)', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.stop();
  });

  async function place(): Promise<Place> {
    const database = await server.createDatabase();
    const folder = mkdtempSync(join(tmpdir(), 'prosam-blobs-'));
    return {
      open: () => openStorage({ database, objects: folder }),
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  }

  annotationConformance(place);
  longestNamesConformance(place);
  annotationModelConformance(place, 15);
  imageConformance(place);
  runConformance(place);
  batchConformance(place);
  // pg-boss looks for messages nobody ended every few seconds.
  queueConformance(place, 15_000);
});
