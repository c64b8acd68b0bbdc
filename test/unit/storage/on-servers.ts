/** A block of tests on a real Postgres and a real S3 store, which are started for it and end with it. */
import { afterAll, beforeAll, describe } from 'vitest';
import { postgresPrograms, startPostgres, type PostgresServer } from './start-postgres.ts';
import { s3Program, startS3, type S3Server } from './start-s3.ts';

/** tests: gets a function that makes a database and a bucket, both empty, to be called while tests run. Skipped where a program is missing. */
export function describeOnServers(title: string, tests: (newPlace: () => Promise<{ database: string; objects: string }>) => void): void {
  describe.skipIf(postgresPrograms() === undefined || s3Program() === undefined)(
    `${title} (needs the postgresql programs, and moto_server on PATH or in PROSAM_MOTO_SERVER)`,
    () => {
      let [postgres, s3]: [PostgresServer?, S3Server?] = [];
      beforeAll(async () => {
        postgres = await startPostgres();
        s3 = await startS3();
      });
      afterAll(async () => {
        await postgres?.stop();
        await s3?.stop();
      });
      tests(async () => ({
        database: await (postgres as PostgresServer).createDatabase(),
        objects: await (s3 as S3Server).createPlace(),
      }));
    },
  );
}
