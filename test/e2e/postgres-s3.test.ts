/** The whole way on Postgres and an S3 store: two services and a learner, each a process of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { postgresPrograms, startPostgres } from '../unit/storage/start-postgres.ts';
import { s3Program, startS3 } from '../unit/storage/start-s3.ts';
import { QUICK_LEARNER, runScenario } from './scenario.ts';
import { endedEarly, startProcess, startServe, type RunningProcess } from './serve-process.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-e2e-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.skipIf(postgresPrograms() === undefined || s3Program() === undefined)('Postgres and S3 (needs postgresql and moto_server)', () => {
  it('learns from forty images and answers better, with two predictors and a learner elsewhere', { timeout: 0 }, async () => {
    const [postgres, s3] = [await startPostgres(), await startS3()];
    const running: RunningProcess[] = [];
    try {
      const environment = {
        PROSAM_DATABASE: await postgres.createDatabase(),
        PROSAM_OBJECTS: await s3.createPlace(),
        PROSAM_LEARNER: 'external',
      };
      const folders = ['first', 'second', 'learner'].map((name) => mkdtempSync(join(root, `${name}-`)));
      for (const folder of folders)
        writeFileSync(
          join(folder, 'prosam.config.json'),
          JSON.stringify({ learner: { ...QUICK_LEARNER, minNewMasks: 1000, leaseMs: 3000 } }),
        );
      const [one, two, learner] = folders as [string, string, string];
      const predictors = [await startServe({ folder: one, environment }), await startServe({ folder: two, environment })];
      running.push(...predictors, startProcess(['learn', '--json'], { folder: learner, environment }));
      const { before, moreReferences, after, gate, seconds } = await Promise.race([
        runScenario(predictors.map(({ url }) => url)),
        endedEarly(running),
      ]);
      console.log(
        `Postgres and S3: fresh images IoU ${before.toFixed(3)}, with more references ${moreReferences.toFixed(3)}, with the better version ${after.toFixed(3)}, gate ${gate.current.toFixed(3)} -> ${gate.candidate.toFixed(3)}, ${seconds.toFixed(0)} s`,
      );
    } catch (error) {
      throw new Error(running.map(({ output }) => output()).join('\n----\n'), { cause: error });
    } finally {
      const codes = await Promise.all(running.map(({ stop }) => stop()));
      await Promise.all([postgres.stop(), s3.stop()]);
      expect(codes).toEqual(running.map(() => 0));
    }
  });
});
