/** Databases and object stores for tests of what stalls, each behind a proxy that can fall silent where it is a server. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../unit/storage/start-postgres.ts';
import { startS3 } from '../../unit/storage/start-s3.ts';
import { startStallingProxy, type StallingProxy } from './stalling-proxy.ts';

export interface StallPlace {
  database: string;
  objects: string;
  /** Between us and the database; absent where it is a file. */
  toDatabase?: StallingProxy;
  /** Between us and the object store; absent where it is a folder. */
  toObjects?: StallingProxy;
  /** The database without the proxy. */
  databaseItself: string;
  close(): Promise<void>;
}

export function sqlitePlace(): StallPlace {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-stall-'));
  const database = join(folder, 'prosam.db');
  return {
    ...{ database, databaseItself: database, objects: join(folder, 'blobs') },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function serverPlace(): Promise<StallPlace> {
  const [postgres, s3] = await Promise.all([startPostgres(), startS3()]);
  const databaseItself = await postgres.createDatabase();
  const place = await s3.createPlace();
  const [toDatabase, toObjects] = await Promise.all([
    startStallingProxy(Number(new URL(databaseItself).port)),
    startStallingProxy(Number(new URL(s3.endpoint).port)),
  ]);
  const through = new URL(databaseItself);
  through.port = String(toDatabase.port);
  const objects = place.replace(encodeURIComponent(s3.endpoint), encodeURIComponent(`http://127.0.0.1:${toObjects.port}`));
  return {
    ...{ database: through.href, databaseItself, objects, toDatabase, toObjects },
    async close() {
      await toDatabase.close();
      await toObjects.close();
      await Promise.all([postgres.stop(), s3.stop()]);
    },
  };
}
