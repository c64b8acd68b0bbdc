/** Databases that are slow, busy, gone or none at all. */
import { mkdtempSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { optionalPackage } from '../../../src/storage/map-errors.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Log } from '../../../src/service/ports/log.ts';
import { newProject, recordOf } from '../../../src/testing/storage/records.ts';
import { expectRejection } from '../core/expect-error.ts';
import { freePort, postgresPrograms, startPostgres } from './start-postgres.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'prosam-trouble-'));

describe('SQLite', () => {
  it('waits for the lock of another process without keeping the caller from anything else', async () => {
    const folder = newFolder();
    const storage = await openStorage({ database: join(folder, 'prosam.db'), objects: folder });
    const project = newProject();
    await storage.store.annotations.accept(recordOf(project), []);
    const other = new DatabaseSync(join(folder, 'prosam.db'));
    other.exec('begin immediate');
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    let done = false;
    const accepting = storage.store.annotations.accept(recordOf(project, { revision: 2 }), []).finally(() => (done = true));
    await wait(600);
    expect(done).toBe(false);
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan(200);
    other.exec('commit');
    expect(await accepting).toBe('stored');
    other.close();
    await storage.close();
  });

  it('that is none is refused when opened', async () => {
    const folder = newFolder();
    await writeFile(join(folder, 'text.db'), 'this is no database, however long the text may be '.repeat(100));
    await expectRejection('STORAGE_FAILED', openStorage({ database: join(folder, 'text.db'), objects: folder }), 'text.db');
    await mkdir(join(folder, 'folder.db'));
    await expectRejection('STORAGE_FAILED', openStorage({ database: join(folder, 'folder.db'), objects: folder }), 'folder.db');
    await expectRejection('STORAGE_FAILED', openStorage({ database: join(folder, 'text.db', 'x.db'), objects: folder }), 'x.db');
  });

  it('refuses everything once closed, and closes more than once', async () => {
    const folder = newFolder();
    const storage = await openStorage({ database: ':memory:', objects: folder });
    await storage.store.ping();
    await storage.close();
    await storage.close();
    await expect(storage.store.ping()).rejects.toThrow();
  });

  it('is not opened once aborted', async () => {
    await expect(openStorage({ database: ':memory:', objects: newFolder(), signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
  });
});

describe('an optional package', () => {
  it('that is missing is named with what to run', async () => {
    const missing = 'no-such-package-of-prosam';
    await expectRejection('PACKAGE_MISSING', optionalPackage(missing, 'a test', () => import(missing)), `npm install ${missing}`, 'a test'); // prettier-ignore
  });
});

describe.skipIf(postgresPrograms() === undefined)('Postgres (needs the postgresql programs)', () => {
  it('that nobody runs is told as such, without the password', async () => {
    const database = `postgres://me:secret-word@127.0.0.1:${await freePort()}/x`;
    const error = await expectRejection('STORAGE_FAILED', openStorage({ database, objects: newFolder() }), 'Postgres', 'ECONNREFUSED');
    expect(error.message).not.toContain('secret-word');
    await expectRejection('STORAGE_FAILED', openStorage({ database: 'postgres://[', objects: newFolder() }));
  });

  it('may go and come back: calls in between fail, nothing acknowledged is lost, and all goes on by itself', async () => {
    const server = await startPostgres();
    const told: string[] = [];
    const note = (_: unknown, message: string): void => void told.push(message);
    const log: Log = { info: note, warn: note, error: note };
    const storage = await openStorage({ database: await server.createDatabase(), objects: newFolder(), log });
    const project = newProject();
    const got: unknown[] = [];
    await storage.queue.work('after', (data) => Promise.resolve(void got.push(data)));
    try {
      await storage.store.annotations.accept(recordOf(project), []);
      for (const how of ['stop', 'kill'] as const) {
        // Some calls are under way, and some connections idle, when it goes.
        const busy = Array.from({ length: 20 }, (_, i) =>
          storage.store.annotations.accept(recordOf(project, { externalId: `${how}${i}` }), []).then(
            () => `${how}${i}`,
            (error: unknown) => error as { code: string },
          ),
        );
        await server.halt(how);
        const outcomes = await Promise.all(busy);
        for (const outcome of outcomes) if (typeof outcome !== 'string') expect(outcome.code).toBe('STORAGE_FAILED');
        await expectRejection('STORAGE_FAILED', storage.store.ping());
        await expectRejection(
          'STORAGE_FAILED',
          storage.store.annotations.accept(recordOf(project, { revision: 2 }), [{ name: 'after', data: 1 }]),
        );
        await server.start();
        await storage.store.ping();
        const kept = (await storage.store.annotations.list(project, { limit: 100 })).map(({ externalId }) => externalId);
        expect(kept).toEqual(expect.arrayContaining(outcomes.filter((outcome) => typeof outcome === 'string')));
        expect(kept).toContain('one');
        await storage.queue.send({ name: 'after', data: how });
      }
      while (got.length < 2) await wait(20);
      expect(got).toEqual(['stop', 'kill']);
      expect(told.join()).toContain('the queue does not answer');
    } finally {
      await storage.close();
      await server.stop();
    }
  });
});
