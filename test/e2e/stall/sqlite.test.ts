/** A SQLite file that somebody else holds for longer than anybody waits. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openStorage, openWholeStorage } from '../../../src/storage/open-storage.ts';
import type { Storage } from '../../../src/service/ports/storage.ts';
import { newProject, recordOf } from '../../contract/place.ts';
import { expectRejection } from '../../unit/core/expect-error.ts';
import { startHolder, type Holder } from './holder.ts';

const opened: { close(): Promise<void> }[] = [];
const holders: Holder[] = [];
afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.kill();
  for (const one of opened.splice(0)) await one.close();
});

const newFile = (): string => join(mkdtempSync(join(tmpdir(), 'prosam-stall-')), 'prosam.db');
async function open(file: string, timeouts = {}): Promise<Storage> {
  const storage = await openStorage({ database: file, objects: join(file, '..', 'blobs'), timeouts });
  opened.push(storage);
  return storage;
}
async function hold(file: string, how: 'immediate' | 'exclusive' = 'immediate'): Promise<Holder> {
  const holder = await startHolder({ kind: 'sqlite', file, how });
  holders.push(holder);
  holder.stop();
  return holder;
}

describe('SQLite', () => {
  it('refuses changes that wait too long, answers questions, and takes changes again afterwards', async () => {
    const [file, project] = [newFile(), newProject()];
    const storage = await open(file, { lockMs: 200, statementMs: 1000 });
    await storage.store.annotations.accept(recordOf(project), []);
    const holder = await hold(file);
    const changes = Array.from({ length: 4 }, (_, i) =>
      expectRejection('STORAGE_TIMEOUT', storage.store.annotations.accept(recordOf(project, { externalId: `${i}` }), []), 'Try again'),
    );
    // One statement without a transaction, as workers of the queue make them.
    changes.push(expectRejection('STORAGE_TIMEOUT', storage.queue.send({ name: 'work', data: 1 }), file));
    expect(await storage.store.annotations.list(project, { limit: 10 })).toHaveLength(1);
    expect(await storage.queue.depth()).toEqual({});
    await Promise.all(changes);
    holder.goOn();
    expect(await holder.release()).toBe('kept');
    expect(await storage.store.annotations.accept(recordOf(project, { externalId: 'later' }), [])).toBe('stored');
    const ids = (await storage.store.annotations.list(project, { limit: 10 })).map(({ externalId }) => externalId);
    expect(ids).toEqual(['later', 'one']);
  });

  it('is opened although somebody holds it', async () => {
    const [file, project] = [newFile(), newProject()];
    await (await openStorage({ database: file, objects: join(file, '..', 'blobs') })).close();
    await hold(file, 'exclusive');
    const storage = await open(file, { lockMs: 200 });
    await storage.store.ping();
    expect(await storage.store.versions.state(project)).toEqual({ project, revision: 0 });
  });

  it('goes on once the process that held it is dead', async () => {
    const [file, project] = [newFile(), newProject()];
    const storage = await open(file, { lockMs: 600_000, statementMs: 600_000 });
    const holder = await hold(file);
    const accepting = storage.store.annotations.accept(recordOf(project), []);
    await storage.store.ping();
    await holder.kill();
    expect(await accepting).toBe('stored');
  });

  it('shows every change to whoever asks after it was acknowledged', async () => {
    const [file, project] = [newFile(), newProject()];
    const [storage, other] = [await open(file), await open(file)];
    for (let revision = 1; revision <= 100; revision++) {
      await storage.store.annotations.accept(recordOf(project, { revision }), []);
      for (const { store } of [storage, other]) {
        expect((await store.annotations.list(project, { limit: 1 }))[0]?.revision).toBe(revision);
        expect((await store.versions.state(project)).revision).toBe(revision);
      }
    }
  });

  it('reads everything as it stood at one moment, and holds nobody up by that', async () => {
    const [file, project] = [newFile(), newProject()];
    const storage = await openWholeStorage({ database: file, objects: join(file, '..', 'blobs') });
    opened.push(storage);
    await storage.store.annotations.accept(recordOf(project), []);
    const moment = await storage.database.connection.startTransaction().setAccessMode('read only').execute();
    const count = async (): Promise<number> => (await moment.selectFrom('annotations').select('sequence').execute()).length;
    expect(await count()).toBe(1);
    await storage.store.annotations.accept(recordOf(project, { revision: 2 }), []);
    expect(await storage.store.annotations.list(project, { limit: 10 })).toMatchObject([{ revision: 2 }]);
    expect(await count()).toBe(1);
    await moment.rollback().execute();
  });
});
