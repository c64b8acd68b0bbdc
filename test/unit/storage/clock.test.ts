/** A clock that is corrected backwards: what was written while it was ahead is due now, not when that time comes again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWholeStorage, type OpenStorage } from '../../../src/storage/open-storage.ts';
import { MAX_DELAY_MS } from '../../../src/service/ports/message.ts';
import { postgresPrograms, startPostgres, type PostgresServer } from './start-postgres.ts';

const AHEAD_MS = 30 * 86_400_000;
const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'prosam-clock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Hands over one message of a queue. */
async function handed(storage: OpenStorage, name: string): Promise<unknown> {
  let stop: (() => Promise<void>) | undefined;
  const data = await new Promise((resolve) => {
    const handle = (got: unknown): Promise<void> => {
      resolve(got);
      return Promise.resolve();
    };
    void storage.queue.work(name, handle, { visibleAfterMs: 1000 }).then((end) => (stop = end));
  });
  while (stop === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  await stop();
  return data;
}

/** What runs on both: leases and predictions, whose times the caller says. */
function testTimes(opened: () => OpenStorage): void {
  it('frees a run whose lease ends later than any lease may', async () => {
    const { runs } = opened().store;
    const nowMs = Date.now();
    const claim = (holder: string, at: number) => runs.claim('leased', holder, { id: `of ${holder}`, upTo: 1, leaseMs: 60_000, nowMs: at });
    expect((await claim('one', nowMs + AHEAD_MS))?.id).toBe('of one');
    expect(await claim('two', nowMs + AHEAD_MS)).toBeUndefined();
    expect(await claim('two', nowMs)).toMatchObject({ id: 'of one', holder: 'two' });
    expect(await claim('three', nowMs)).toBeUndefined();
  });

  it('takes a prediction for newer than one of the future', async () => {
    const { images } = opened().store;
    const [project, sha256, nowMs] = ['predicted', '1'.repeat(64), Date.now()];
    await images.add([{ project, sha256, width: 4, height: 4 }], nowMs);
    const write = (version: string, createdMs: number) => images.predicted([{ project, sha256, version, createdMs, masks: [] }], 10);
    await write('ahead', nowMs + AHEAD_MS);
    await write('now', nowMs);
    // Written a little late: the newer one stays.
    await write('late', nowMs - 1000);
    expect((await images.predictions({ project, limit: 5 })).map(({ version }) => version)).toEqual(['now']);
  });
}

describe('SQLite', () => {
  let storage: OpenStorage;
  beforeAll(async () => {
    storage = await openWholeStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  });
  afterAll(() => storage.close());
  testTimes(() => storage);

  const set = (name: string, values: { due_ms?: number; created_ms?: number; state?: 'tried' }) =>
    storage.database.connection.updateTable('messages').set(values).where('name', '=', name).execute();

  it('hands over what was sent in the future', async () => {
    await storage.queue.send({ name: 'sent', data: 1, delayMs: 1000 });
    await set('sent', { created_ms: Date.now() + 2 * HOUR_MS, due_ms: Date.now() + 2 * HOUR_MS + 1000 });
    expect(await handed(storage, 'sent')).toBe(1);
  });

  it('hands over what was taken in the future', async () => {
    await storage.queue.send({ name: 'taken', data: 2 });
    await set('taken', { state: 'tried', due_ms: Date.now() + HOUR_MS });
    expect(await handed(storage, 'taken')).toBe(2);
  });

  it('hands over what is due later than any message may be', async () => {
    await storage.queue.send({ name: 'due', data: 3 });
    await set('due', { due_ms: Date.now() + AHEAD_MS });
    expect(await handed(storage, 'due')).toBe(3);
  });

  it('keeps no message back for longer than a day, and what is to wait a while waits', async () => {
    await storage.queue.send({ name: 'longest', data: 4, delayMs: AHEAD_MS });
    await storage.queue.send({ name: 'usual', data: 5, delayMs: HOUR_MS });
    const rows = await storage.database.connection.selectFrom('messages').select(['name', 'due_ms', 'created_ms']).execute();
    expect(Object.fromEntries(rows.map(({ name, due_ms, created_ms }) => [name, due_ms - created_ms]))).toEqual({
      longest: MAX_DELAY_MS,
      usual: HOUR_MS,
    });
    const got: unknown[] = [];
    const stop = await storage.queue.work('usual', (data) => Promise.resolve(void got.push(data)));
    await storage.queue.send({ name: 'other', data: 6 });
    expect(await handed(storage, 'other')).toBe(6);
    await stop();
    expect(got).toEqual([]);
  });
});

describe.skipIf(postgresPrograms() === undefined)('Postgres', () => {
  let server: PostgresServer;
  let storage: OpenStorage;
  beforeAll(async () => {
    server = await startPostgres();
    storage = await openWholeStorage({ database: await server.createDatabase(), objects: join(folder, 'blobs') });
  });
  afterAll(async () => {
    await storage.close();
    await server.stop();
  });
  testTimes(() => storage);

  const ahead = (change: string, name: string) =>
    sql.raw(`update prosam_queue.job set ${change} where name = '${name}'`).execute(storage.database.connection);

  it('hands over what was sent in the future', async () => {
    await storage.queue.send({ name: 'sent', data: 1, key: 'k' });
    await ahead(`created_on = now() + interval '2 hours', start_after = now() + interval '2 hours'`, 'sent');
    expect(await handed(storage, 'sent')).toBe(1);
  });

  it('hands over what failed in the future, and what is due later than any message may be', async () => {
    await storage.queue.send({ name: 'failed', data: 2 });
    await ahead(`state = 'retry', start_after = now() + interval '1 hour'`, 'failed');
    expect(await handed(storage, 'failed')).toBe(2);
    await storage.queue.send({ name: 'due', data: 3 });
    await ahead(`start_after = now() + interval '30 days'`, 'due');
    expect(await handed(storage, 'due')).toBe(3);
  });

  it('hands over what was taken in the future by a worker that is gone', async () => {
    await storage.queue.send({ name: 'taken', data: 4 });
    await ahead(`state = 'active', started_on = now() + interval '30 days', expire_seconds = 1`, 'taken');
    await sql
      .raw(`update prosam_queue.queue set monitor_on = now() + interval '30 days', monitor_claim_on = now() + interval '30 days'`)
      .execute(storage.database.connection);
    expect(await handed(storage, 'taken')).toBe(4);
  }, 60_000);
});
