/** `prosam db` as people type it. */
import { mkdtempSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase, openStorage } from '../../../src/storage/open-storage.ts';
import { MIGRATIONS } from '../../../src/storage/schema/migrations.ts';
import { hashOf, recordOf } from '../../../src/testing/storage/records.ts';
import { jsonLines, runCli } from './run-cli.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'prosam-db-'));

async function filled(): Promise<string> {
  const folder = newFolder();
  const storage = await openStorage({ database: join(folder, 'prosam', 'prosam.db'), objects: join(folder, 'prosam', 'blobs') });
  await storage.store.annotations.accept(recordOf('one'), [{ name: 'learn', data: 1 }]);
  await storage.blobs.put(Buffer.from('a'));
  await storage.close();
  return folder;
}

describe('prosam db', () => {
  it('says where the schema stands, and looking makes nothing', async () => {
    const folder = newFolder();
    const none = await runCli(['db', 'status', '--json'], folder);
    expect(none.code).toBe(1);
    expect(jsonLines(none.stdout)).toMatchObject([
      { address: './prosam/prosam.db', database: 0, code: MIGRATIONS.length, pending: MIGRATIONS.map(({ version }) => ({ version })) },
    ]);
    expect(await readdir(folder)).toEqual([]);
    expect((await runCli(['db', 'migrate'], folder)).stdout).toContain(`${MIGRATIONS.length} steps taken`);
    expect((await runCli(['db', 'migrate'], folder)).stdout).toContain('nothing to do');
    const done = await runCli(['db', 'status'], folder);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain(`schema ${MIGRATIONS.length}, expected ${MIGRATIONS.length}: nothing to do`);
    const newer = await openDatabase(join(folder, 'prosam', 'prosam.db'));
    await newer.connection.insertInto('migrations').values({ version: 99, name: 'later', applied_ms: 1 }).execute();
    await newer.close();
    const late = await runCli(['db', 'status'], folder);
    expect([late.code, late.stdout]).toEqual([1, expect.stringContaining('update prosam')]);
    expect((await runCli(['db', 'migrate'], folder)).stderr).toContain('MIGRATION_NEEDED');
  });

  it('erases images with all that came of them, as often as it is asked', async () => {
    const folder = await filled();
    const erase = (...more: string[]) => runCli(['db', 'erase', '--project', 'one', hashOf('a'), ...more], folder);
    expect(jsonLines((await erase('--json')).stdout)).toEqual([
      { project: 'one', sha256: hashOf('a'), erased: true, annotations: 1, predictions: 0, results: 0, versions: [] },
    ]);
    expect(await erase()).toMatchObject({ code: 0, stdout: `${hashOf('a')}: one knows nothing of it\n` });
    expect((await erase('nothing')).code).toBe(2);
    const storage = await openStorage({ database: join(folder, 'prosam', 'prosam.db'), objects: join(folder, 'prosam', 'blobs') });
    expect([await storage.blobs.has(hashOf('a')), await storage.store.annotations.list('one', { limit: 9 })]).toEqual([false, []]);
    await storage.close();
  });

  it('exports, imports and copies', async () => {
    const [folder, other] = [await filled(), newFolder()];
    const archive = join(other, 'archive');
    const exported = await runCli(['db', 'export', '--to', archive, '--json'], folder);
    expect(exported.stderr).toBe('');
    expect(jsonLines(exported.stdout)).toEqual([{ rows: 5, blobs: 1 }]);
    expect((await readdir(archive)).sort()).toEqual(['blobs', 'rows.jsonl.gz']);
    const imported = await runCli(['db', 'import', '--from', archive], other);
    expect(imported).toMatchObject({ code: 0, stdout: '5 rows and 1 blobs are in ./prosam/prosam.db\n' });
    const again = await runCli(['db', 'import', '--from', archive], other);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('OPTION_INVALID')]);
    const copied = await runCli(['db', 'copy', '--to-database', 'copy.db', '--to-objects', 'prosam/blobs'], other);
    expect(copied.code).toBe(0);
    const copy = await openStorage({ database: join(other, 'copy.db'), objects: join(other, 'prosam', 'blobs') });
    expect(await copy.store.annotations.concepts('one')).toMatchObject([{ label: 'cup', masks: 1 }]);
    expect(await copy.queue.depth()).toEqual({ learn: 1 });
    await copy.close();
  });

  it('refuses what makes no sense', async () => {
    const folder = newFolder();
    const attempts: [string[], string][] = [
      [[], 'status, migrate, copy, export, import'],
      [['drop'], 'expected one of'],
      [['export'], '--to'],
      [['import'], '--from'],
      [['copy', '--to-objects', 'x'], '--to-database'],
      [['copy', '--to-objects', 'x', '--to-database', 'y'], 'not there'],
      [['export', '--to', 'x'], 'not there'],
      [['status', '--unknown'], 'unknown'],
      [['import', '--from', 'nowhere'], 'FILE_NOT_FOUND'],
    ];
    for (const [args, said] of attempts) {
      const { code, stderr } = await runCli(['db', ...args], folder);
      expect([args, code, stderr]).toEqual([args, 2, expect.stringContaining(said)]);
    }
    expect((await runCli(['db', 'copy', '--help'], folder)).stdout).toContain('prosam db copy');
  });
});
