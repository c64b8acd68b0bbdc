/** Everything moves between SQLite and Postgres, folders and S3, and through archives, and goes on where it was. */
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyStorage, exportStorage, importStorage } from '../../../src/storage/copy/copy-storage.ts';
import { MOVED_TABLES } from '../../../src/storage/schema/copied-tables.ts';
import { openWholeStorage, type OpenStorage } from '../../../src/storage/open-storage.ts';
import { collect, hashOf, imageOf, maskOf, recordOf } from '../../../src/testing/storage/records.ts';
import { expectRejection } from '../core/expect-error.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from './start-postgres.ts';
import { s3Program, startS3, type S3Server } from './start-s3.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'prosam-move-'));
const newSqlite = (folder = newFolder()) => openWholeStorage({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs') });

/** A little of everything, in two projects. */
async function fill({ store, queue, blobs }: OpenStorage): Promise<void> {
  const weights = await blobs.put(Buffer.from('weights'));
  await blobs.put(Buffer.from('a'));
  for (const project of ['one', 'two']) {
    for (let i = 0; i < 700; i++)
      await store.annotations.accept(
        recordOf(project, { externalId: `${i}`, image: imageOf(project, `${i % 50}`), masks: [maskOf('cup'), maskOf(`Ä${i % 3}`)] }),
        [],
      );
    await store.annotations.accept(recordOf(project, { externalId: '1', revision: 2, provenance: 'edited', annotator: "it's me" }), []);
    await store.annotations.remove({ project, source: 'webhook', externalId: '2' });
    await store.annotations.remove({ project, source: 'webhook', externalId: 'never seen' }, 5);
    const [mask] = await store.annotations.masks(project, { limit: 1 });
    await store.annotations.describe(mask?.id ?? 0, new Float32Array([0.1, -3, 1e-20]));
    const masks = [{ ...maskOf('cup'), score: 1, uncertainty: 0.25, method: 'prosam' }];
    const ranking = { presence: 0.5, gain: 0.125 };
    await store.images.predicted([{ project, sha256: hashOf('7'), version: 'v', createdMs: 5, masks, ranking }], 10);
    await store.images.assignSplit(project, [{ sha256: hashOf('3'), split: 'gate' }]);
    const run = await store.runs.claim(project, 'h', { id: `run-${project}`, upTo: 3, leaseMs: 10, nowMs: 1 });
    const version = {
      id: `version-${project}`,
      project,
      runId: '',
      weights,
      baseModel: 'tiny',
      data: 'd',
      seed: 1,
      code: '1',
      createdMs: 9,
      outcome: 'promoted' as const,
      reason: 'r',
      metrics: { a: 1 },
    };
    await store.runs.finish(run?.id ?? '', 'h', { state: 'promoted', reason: 'r', version, nowMs: 10 });
    await store.runs.claim(project, 'h', { id: `next-${project}`, upTo: 3, leaseMs: 10, nowMs: 20 });
  }
  await store.batches.create({ id: 'batch', project: 'one', createdMs: 1, request: { a: null } }, ['x', { y: 'é' }], {
    name: 'batch',
    data: { id: 'batch' },
    key: 'batch',
  });
  await store.batches.settle('batch', 1, { state: 'done', result: [1], nowMs: 2 }, []);
  await store.deliveries.add(
    { id: 'delivery', project: 'two', url: 'https://example.com', body: { b: 2 }, createdMs: 3 },
    { name: 'deliver', data: 'delivery', delayMs: 3_600_000 },
  );
  await queue.send({ name: 'plain', data: null });
}

async function contentOf({ database, queue, blobs }: OpenStorage): Promise<unknown> {
  const tables: Record<string, unknown> = {};
  for (const { name, key } of MOVED_TABLES) {
    const rows = (await database.connection.selectFrom(name).selectAll().execute()) as Record<string, unknown>[];
    const sorted = rows.map((row) => ({ ...row, ...(row['feature'] instanceof Uint8Array && { feature: [...row['feature']] }) }));
    tables[name] = sorted.sort((one, other) =>
      JSON.stringify(key.map((column) => one[column as keyof typeof one])) <
      JSON.stringify(key.map((column) => other[column as keyof typeof other]))
        ? -1
        : 1,
    );
  }
  const messages = (await collect(queue.pending())).map(({ delayMs = 0, ...message }) => ({
    ...message,
    hours: Math.round(delayMs / 3_600_000),
  }));
  return { tables, messages: messages.sort((one, other) => (one.name < other.name ? -1 : 1)), blobs: (await collect(blobs.list())).sort() };
}

/** What comes next is numbered above what came along. */
async function goesOn({ store }: OpenStorage): Promise<void> {
  const [newest] = await store.annotations.list('one', { limit: 1 });
  expect(await store.annotations.accept(recordOf('one', { externalId: 'new' }), [{ name: 'plain', data: 1 }])).toBe('stored');
  expect((await store.annotations.list('one', { limit: 1 }))[0]?.sequence).toBeGreaterThan(newest?.sequence ?? Infinity);
  expect(await store.annotations.accept(recordOf('one', { externalId: 'never seen', revision: 5 }), [])).toBe('outdated');
  expect((await store.versions.promote('one', undefined, 'x', 5)).current).toBeUndefined();
  expect(await store.versions.history('one', 5)).toHaveLength(2);
  expect(await store.runs.claim('one', 'other', { id: 'third', upTo: 9, leaseMs: 5, nowMs: 1000 })).toMatchObject({
    id: 'next-one',
    attempts: 2,
  });
}

describe('moving a store', () => {
  let source: OpenStorage;
  let wanted: unknown;
  let postgres: PostgresServer | undefined;
  let s3: S3Server | undefined;
  beforeAll(async () => {
    source = await newSqlite();
    await fill(source);
    wanted = await contentOf(source);
    if (postgresPrograms() !== undefined) postgres = await startPostgres();
    if (s3Program() !== undefined) s3 = await startS3();
  });
  afterAll(async () => {
    await source.close();
    await postgres?.stop();
    await s3?.stop();
  });

  it('through an archive leaves everything as it was', async () => {
    const folder = join(newFolder(), 'archive');
    const phases: number[] = [];
    let moved = 0;
    const options = {
      onPhase: (total: number) => void phases.push(total),
      onMoved: () => {
        moved++;
      },
    };
    const done = await exportStorage(source, folder, options);
    expect(phases).toEqual([done.blobs, done.rows]);
    expect(moved).toBe(done.blobs + done.rows);
    expect(done.blobs).toBe(2);
    const target = await newSqlite();
    expect(await importStorage(folder, target, options)).toEqual(done);
    expect(phases.slice(2)).toEqual(phases.slice(0, 2));
    expect(await contentOf(target)).toEqual(wanted);
    await expectRejection('OPTION_INVALID', importStorage(folder, target), 'empty', `${done.rows} rows`);
    await expectRejection('OPTION_INVALID', copyStorage(source, target), 'empty');
    await expectRejection('OUTPUT_FAILED', exportStorage(source, folder), folder);
    await goesOn(target);
    await target.close();
  });

  it('out of a damaged archive leaves the target empty', async () => {
    const folder = join(newFolder(), 'archive');
    await exportStorage(source, folder);
    const file = join(folder, 'rows.jsonl.gz');
    const lines = gunzipSync(await readFile(file)).toString().trimEnd().split('\n'); // prettier-ignore
    const target = await newSqlite();
    const variants: [string, string[] | Buffer, string][] = [
      ['without its end', lines.slice(0, -1), 'end is missing'],
      ['with a row less', lines.toSpliced(5, 1), 'entries'],
      ['with a row twice', lines.toSpliced(5, 0, lines[5] ?? ''), ''],
      ['with an unknown table', lines.toSpliced(5, 1, '{"table":"users","row":{"a":1}}'), 'users'],
      ['with something else', lines.toSpliced(5, 1, '{"table":"images","row":{"a":{}}}'), 'line 6'],
      ['with more after its end', [...lines, lines[1] ?? ''], 'end'],
      ['of another kind', ['{}', ...lines], 'line 1'],
      ['cut short', gzipSync(lines.join('\n')).subarray(0, 2000), 'line'],
      [
        'with a hostile column',
        lines.toSpliced(1, 0, '{"table":"projects","row":{"project\\") values (1); drop table images; --":"x"}}'),
        '',
      ],
    ];
    for (const [name, content, said] of variants) {
      await writeFile(file, Buffer.isBuffer(content) ? content : gzipSync(content.join('\n')));
      await expectRejection('STORAGE_FAILED', importStorage(folder, target), said).catch((error: unknown) => {
        throw new Error(`an archive ${name} was not refused as it should`, { cause: error });
      });
      expect(await target.store.versions.projects(), name).toEqual([]);
    }
    await writeFile(file, gzipSync([(lines[0] ?? '').replace(/"schema":\d+/, '"schema":99'), ...lines.slice(1)].join('\n')));
    await expectRejection('MIGRATION_NEEDED', importStorage(folder, target), 'schema 99');
    await rm(file);
    await expectRejection('FILE_NOT_FOUND', importStorage(folder, target), folder);
    await target.close();
  });

  it('stops when told to, with an empty target', async () => {
    const target = await newSqlite();
    const stop = new AbortController();
    const options = { signal: stop.signal, onMoved: (what: string) => what === 'masks' && stop.abort() };
    await expect(copyStorage(source, target, options)).rejects.toThrow(/abort/);
    expect(await target.store.versions.projects()).toEqual([]);
    await target.close();
  });

  it('does not move bytes that are damaged', async () => {
    const folder = newFolder();
    const [from, to] = [await newSqlite(folder), await newSqlite()];
    const name = await from.blobs.put(Buffer.from('fine'));
    await writeFile(join(folder, 'blobs', name.slice(0, 2), name.slice(2, 4), name), 'evil');
    await expectRejection('BLOB_DAMAGED', copyStorage(from, to), name);
    await from.close();
    await to.close();
  });

  it('to Postgres and S3 and back leaves everything as it was (needs the postgresql programs and moto_server)', async (test) => {
    if (!postgres || !s3) return test.skip();
    const grown = await openWholeStorage({ database: await postgres.createDatabase(), objects: await s3.createPlace() });
    const back = await newSqlite();
    await copyStorage(source, grown);
    expect(await contentOf(grown)).toEqual(wanted);
    await copyStorage(grown, back);
    expect(await contentOf(back)).toEqual(wanted);
    await goesOn(grown);
    await goesOn(back);
    await grown.close();
    await back.close();
  });
});
