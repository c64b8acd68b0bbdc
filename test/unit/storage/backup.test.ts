/** Backups of stores in use, restored into stores of the other kind. */
import { mkdtempSync } from 'node:fs';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { backupStorage, unfinishedFolder } from '../../../src/storage/backup/backup-storage.ts';
import { restoreStorage } from '../../../src/storage/backup/restore-storage.ts';
import { readEntries } from '../../../src/storage/copy/copy-rows.ts';
import { openWholeStorage, type OpenStorage } from '../../../src/storage/open-storage.ts';
import { BACKUP_LEASES, PRUNE_LEASE, pruneStorage } from '../../../src/storage/prune/prune-storage.ts';
import { collect, hashOf, imageOf, maskOf, recordOf } from '../../../src/testing/storage/records.ts';
import { runCli } from '../cli/run-cli.ts';
import { expectRejection } from '../core/expect-error.ts';
import { describeOnServers } from './on-servers.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-backup-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const newFolder = () => mkdtempSync(join(root, 'x-'));
const newSqlite = (folder = newFolder()) => openWholeStorage({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs') });
const bytesOf = (name: string) => Buffer.from(`image ${name}`);

async function annotate({ store, blobs }: OpenStorage, name: string): Promise<void> {
  const sha256 = await blobs.put(bytesOf(name));
  const image = { ...imageOf('p', name), sha256 };
  await store.annotations.accept(recordOf('p', { externalId: name, image, masks: [maskOf('cup')] }), [
    { name: 'describe', data: name, key: name },
  ]);
}

/** Names of annotations, each with its bytes readable. */
async function readable({ store, blobs }: OpenStorage): Promise<Set<string>> {
  const names = new Set<string>();
  for (let before: number | undefined; ;) {
    const page = await store.annotations.list('p', { limit: 200, ...(before !== undefined && { before }) });
    for (const { externalId, sha256 } of page) {
      expect(Buffer.from((await blobs.get(sha256)) ?? [])).toEqual(bytesOf(externalId));
      names.add(externalId);
    }
    before = page.at(-1)?.sequence;
    if (before === undefined) return names;
  }
}

/** A store whose image of that name is erased at the moment a backup comes for its bytes. */
function erasedWhenRead(from: OpenStorage, name: string): OpenStorage {
  const sha256 = hashOf(`image ${name}`);
  const get: OpenStorage['blobs']['get'] = async (asked, options) => {
    if (asked === sha256 && (await from.store.images.erase('p', sha256, 5)) !== undefined) await from.blobs.remove(sha256);
    return from.blobs.get(asked, options);
  };
  return { ...from, blobs: { ...from.blobs, get } };
}

function suite(source: () => Promise<OpenStorage>, target: () => Promise<OpenStorage>): void {
  it('name no image that was erased while they were made', async () => {
    const from = await source();
    for (const name of ['one', 'two', 'three']) await annotate(from, name);
    const folder = join(newFolder(), 'backup');
    const manifest = await backupStorage(erasedWhenRead(from, 'two'), folder, { code: 'test' });
    expect(manifest).toMatchObject({ unreadable: [], blobs: { count: 2 } });
    const to = await target();
    await restoreStorage(folder, to);
    expect([...(await readable(to))].sort()).toEqual(['one', 'three']);
    await Promise.all([from.close(), to.close()]);
  });

  it('hold everything that was acknowledged before they began, under load', async () => {
    const from = await source();
    const acknowledged: string[] = [];
    let writing = true;
    const writers = Array.from({ length: 3 }, async (_, writer) => {
      for (let i = 0; writing; i++) {
        await annotate(from, `${writer}-${i}`);
        acknowledged.push(`${writer}-${i}`);
      }
    });
    while (acknowledged.length < 60) await Promise.race([...writers, new Promise((resolve) => setTimeout(resolve, 5))]);
    const before = [...acknowledged];
    const folder = join(newFolder(), 'backup');
    const manifest = await backupStorage(from, folder, { code: 'test' });
    const during = acknowledged.length - before.length;
    writing = false;
    await Promise.all(writers);
    expect(during).toBeGreaterThan(0);
    expect(manifest).toMatchObject({ format: 'prosam backup', version: 1, unreadable: [] });
    expect(await from.store.upkeep?.held(BACKUP_LEASES, Date.now())).toEqual([]);

    const to = await target();
    const restored = await restoreStorage(folder, to);
    expect(restored).toMatchObject({ blobs: manifest.blobs.count, rows: manifest.rows.count });
    const names = await readable(to);
    expect(before.filter((name) => !names.has(name))).toEqual([]);
    // Each with the work that was promised for it.
    const messages = new Set((await collect(to.queue.pending())).map(({ key }) => key));
    expect([...names].filter((name) => !messages.has(name))).toEqual([]);
    await annotate(to, 'goes on');
    await from.close();
    await to.close();
  }, 60_000);

  it('hold a job and its message of the same moment', async () => {
    const from = await source();
    await from.store.batches.create({ id: 'job', project: 'p', createdMs: 1, request: {} }, [1], { name: 'job', data: 'job' });
    const entries = readEntries(from);
    const first = await entries.next();
    const found = first.done === true ? [] : [first.value];
    // Ends while the rest is read.
    const stop = await from.queue.work('job', async () => {
      await from.store.batches.settle('job', 0, { state: 'done', result: 1, nowMs: 2 }, []);
    });
    await expect.poll(() => from.queue.depth()).toEqual({});
    await stop();
    found.push(...(await collect(entries)));
    expect(found.filter((entry) => 'message' in entry)).toMatchObject([{ message: { name: 'job' } }]);
    expect(found.filter((entry) => 'row' in entry && entry.row['id'] === 'job')).toMatchObject([{ row: { done: 0 } }]);
    await from.close();
  });

  it('replace what a database holds only when told to, and all of it', async () => {
    const from = await source();
    await annotate(from, 'a');
    const folder = join(newFolder(), 'backup');
    await backupStorage(from, folder, { code: 'test' });
    const to = await target();
    await annotate(to, 'b');
    await to.store.batches.create({ id: 'job', project: 'p', createdMs: 1, request: {} }, [1], { name: 'job', data: 1 });
    await expectRejection('OPTION_INVALID', restoreStorage(folder, to), 'empty database');
    expect(await readable(to)).toEqual(new Set(['b']));
    await restoreStorage(folder, to, { replace: true });
    expect(await readable(to)).toEqual(new Set(['a']));
    expect(await to.store.batches.get('job')).toBeUndefined();
    expect((await collect(to.queue.pending())).map(({ key }) => key)).toEqual(['a']);
    await from.close();
    await to.close();
  });
}

describe('backups of SQLite and a folder', () => {
  suite(
    () => newSqlite(),
    () => newSqlite(),
  );

  it('that were cut off are none, and go on where they were', async () => {
    const from = await newSqlite();
    for (let i = 0; i < 40; i++) await annotate(from, `${i}`);
    const folder = join(newFolder(), 'backup');
    const stop = new AbortController();
    let blobs = 0;
    const onMoved = (what: string): void => {
      if (what === 'blobs' && ++blobs === 20) stop.abort();
    };
    await expect(backupStorage(from, folder, { code: 'test', onMoved, signal: stop.signal })).rejects.toThrow();
    await expectRejection('FILE_NOT_FOUND', restoreStorage(folder, from), 'manifest.json');
    await expectRejection('FILE_NOT_FOUND', restoreStorage(unfinishedFolder(folder), from), '.unfinished');
    await annotate(from, 'later');
    expect(await backupStorage(from, folder, { code: 'test' })).toMatchObject({ blobs: { count: 41 } });
    expect(await readdir(join(folder, '..'))).toEqual(['backup']);
    await expectRejection('OUTPUT_FAILED', backupStorage(from, folder, { code: 'test' }), 'there already');
    const to = await newSqlite();
    await restoreStorage(folder, to);
    expect((await readable(to)).size).toBe(41);
    await from.close();
    await to.close();
  });

  it('are refused where anything of them is damaged, and leave the target as it was', async () => {
    const from = await newSqlite();
    await annotate(from, 'a');
    await annotate(from, 'b');
    const folder = join(newFolder(), 'backup');
    await backupStorage(from, folder, { code: 'test' });
    const sha256 = await from.blobs.put(bytesOf('a'));
    await from.close();
    const blob = ['blobs', sha256.slice(0, 2), sha256.slice(2, 4), sha256].join('/');
    const damages: [string, string, (path: string) => Promise<void>][] = [
      ['STORAGE_FAILED', 'rows.jsonl.gz', async (path) => writeFile(path, (await readFile(path)).subarray(1))],
      ['STORAGE_FAILED', 'rows.jsonl.gz', (path) => rm(path)],
      ['STORAGE_FAILED', 'manifest.json', (path) => writeFile(path, '{"format": "prosam backup"')],
      ['MIGRATION_NEEDED', 'manifest.json', (path) => writeFile(path, '{"version": 2}')],
      ['BLOB_DAMAGED', blob, (path) => writeFile(path, 'other')],
      ['STORAGE_FAILED', blob, (path) => rm(path)],
    ];
    for (const [code, file, damage] of damages) {
      const copy = join(newFolder(), 'copy');
      await cp(folder, copy, { recursive: true });
      await damage(join(copy, file));
      const to = await newSqlite();
      await expectRejection(code as 'STORAGE_FAILED', restoreStorage(copy, to));
      expect(await readable(to)).toEqual(new Set());
      await to.close();
    }
  });

  it('name what was missing or damaged in the store, and hold the rest', async () => {
    const place = newFolder();
    const from = await newSqlite(place);
    await annotate(from, 'whole');
    await annotate(from, 'damaged');
    const lost = { ...imageOf('p', 'lost'), sha256: hashOf('never put') };
    await from.store.annotations.accept(recordOf('p', { externalId: 'lost', image: lost }), []);
    const sha256 = await from.blobs.put(bytesOf('damaged'));
    await writeFile(join(place, 'blobs', sha256.slice(0, 2), sha256.slice(2, 4), sha256), 'x');
    await from.close();
    const folder = join(newFolder(), 'backup');
    const at = ['--database', join(place, 'prosam.db'), '--objects', join(place, 'blobs')];
    const made = await runCli(['backup', folder, ...at], place);
    expect([made.code, made.stderr]).toEqual([1, expect.stringContaining('2 blobs that rows name are missing or damaged')]);
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { unreadable: string[] };
    expect(manifest.unreadable).toEqual([sha256, hashOf('never put')].sort());
    const target = ['--database', join(place, 'new.db'), '--objects', join(place, 'new')];
    const restored = await runCli(['restore', folder, ...target, '--json'], place);
    expect(restored.code).toBe(0);
    expect(JSON.parse(restored.stdout)).toMatchObject({ blobs: 1, unreadable: manifest.unreadable });
    expect((await runCli(['restore', folder, ...target], place)).code).toBe(2);
    expect((await runCli(['restore', join(place, 'nowhere'), '--database', join(place, 'made.db')], place)).code).toBe(2);
    expect(await readdir(place)).not.toContain('made.db');
  }, 60_000);

  it('wait for a prune that runs, and keep others off', async () => {
    const from = await newSqlite();
    await annotate(from, 'a');
    const upkeep = from.store.upkeep;
    await upkeep?.hold(PRUNE_LEASE, 'other', { nowMs: Date.now(), leaseMs: 60_000 });
    let begun = false;
    const heldOff: unknown[] = [];
    const made = backupStorage(from, join(newFolder(), 'backup'), {
      code: 'test',
      onPhase: () => {
        begun = true;
      },
      onMoved: () => {
        heldOff.push(pruneStorage(from, { nowMs: Date.now(), beforeMs: {}, keep: { runs: 1, versions: 1 }, blobMs: 1 }, { remove: true }));
      },
    });
    await expect.poll(async () => (await upkeep?.held(BACKUP_LEASES, Date.now()))?.length).toBe(1);
    expect(begun).toBe(false);
    await upkeep?.release(PRUNE_LEASE, 'other');
    await made;
    expect((await Promise.all(heldOff))[0]).toMatchObject({ heldOff: 'a backup is being made' });
    await from.close();
  });
});

describeOnServers('backups between SQLite and a folder, Postgres and S3', (newPlace) => {
  const newPostgres = async () => openWholeStorage(await newPlace());
  describe('from Postgres', () => suite(newPostgres, () => newSqlite()));
  describe('to Postgres', () => suite(() => newSqlite(), newPostgres));
});
