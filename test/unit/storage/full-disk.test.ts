/** A full disk: said as such, by the file that needs room, and nothing half written. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, expect, it } from 'vitest';
import { openWholeStorage } from '../../../src/storage/open-storage.ts';
import { storageFailed } from '../../../src/storage/map-errors.ts';
import { newProject, recordOf } from '../../../src/testing/storage/records.ts';
import { expectRejection } from '../core/expect-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a SQLite file without room says so, keeps what it has, and goes on once there is room', async () => {
  const database = join(folder, 'p.db');
  const storage = await openWholeStorage({ database, objects: join(folder, 'blobs') });
  const { store, queue } = storage;
  const { connection } = storage.database;
  const project = newProject();
  await store.annotations.accept(recordOf(project), []);
  // SQLite's own bound on the file: the same answer as that of a full disk.
  const limit = async (pages: number) => {
    const statement = sql.raw(`pragma max_page_count = ${pages}`);
    await connection.transaction().execute((change) => statement.execute(change));
  };
  await limit(1);
  const large = { ...recordOf(project, { externalId: 'large' }), annotator: 'x'.repeat(2_000_000) };
  const refusal = await expectRejection('STORAGE_FAILED', store.annotations.accept(large, [{ name: 'n', data: 1 }]), database);
  expect(refusal.message).toContain('expected room on its disk, got none');
  expect(refusal.message).not.toContain('rollback');
  expect((await store.annotations.list(project, { limit: 5 })).map(({ externalId }) => externalId)).toEqual(['one']);
  expect(await queue.depth()).toEqual({});
  await limit(1_000_000);
  expect(await store.annotations.accept(large, [{ name: 'n', data: 1 }])).toBe('stored');
  await store.check?.();
  await storage.close();
});

it('is known by what files, quotas and Postgres call it', () => {
  for (const code of ['ENOSPC', 'EDQUOT', '53100']) {
    const error = storageFailed('the folder /data', Object.assign(new Error('no'), { code }));
    expect(error.message).toMatch(/^the folder \/data: expected room on its disk, got none/);
  }
  expect(storageFailed('the folder /data', Object.assign(new Error('no'), { code: 'EACCES' })).message).not.toContain('room');
});
