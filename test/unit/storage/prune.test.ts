/** Pruning a store that is in use: what is needed stays, whatever is written meanwhile. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Storage } from '../../../src/service/ports/storage.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { PrunePlan } from '../../../src/storage/prune/plan.ts';
import { BACKUP_LEASES, PRUNE_LEASE, pruneStorage } from '../../../src/storage/prune/prune-storage.ts';
import { hashOf, imageOf, recordOf } from '../../../src/testing/storage/records.ts';
import { describeOnServers } from './on-servers.ts';

const HOUR_MS = 3_600_000;

/** The rules as they are `hours` from now. */
function planIn(hours: number, more: Partial<PrunePlan> = {}): PrunePlan {
  return { nowMs: Date.now() + hours * HOUR_MS, beforeMs: {}, keep: { runs: 1, versions: 1 }, blobMs: 24 * HOUR_MS, ...more };
}

function suite(place: () => Promise<{ database: string; objects: string }>): void {
  let storage: Storage;
  let other: Storage;
  beforeAll(async () => {
    const at = await place();
    [storage, other] = [await openStorage(at), await openStorage(at)];
  });
  afterAll(async () => {
    await storage.close();
    await other.close();
  });
  const prune = (hours: number, more: Partial<PrunePlan> = {}, remove = true) => pruneStorage(storage, planIn(hours, more), { remove });
  const countOf = ({ pruned }: Awaited<ReturnType<typeof prune>>, wanted: string) => pruned.find(({ what }) => what === wanted);
  const accept = (sha256: string) =>
    other.store.annotations.accept(recordOf('prune', { externalId: sha256, image: { ...imageOf('prune', ''), sha256 } }), []);

  it('keeps bytes for which a row is about to be written, and those that a row points to for good', async () => {
    const [accepted, coming, nobody] = await Promise.all(
      ['accepted', 'coming', 'nobody'].map((text) => other.blobs.put(Buffer.from(text))),
    );
    await accept(accepted as string);
    expect(countOf(await prune(23), 'blobs put aside')).toMatchObject({ count: 0 });
    expect(countOf(await prune(25, {}, false), 'blobs put aside')).toMatchObject({ count: 2, bytes: 12 });
    expect(countOf(await prune(25), 'blobs put aside')).toMatchObject({ count: 2, bytes: 12 });
    // Put before, a row written after: bytes that are in use come back, asked for or not.
    await accept(coming as string);
    expect(Buffer.from((await other.blobs.get(coming as string)) ?? []).toString()).toBe('coming');
    expect(countOf(await prune(25), 'blobs')).toMatchObject({ count: 1 });
    for (const [sha256, there] of [
      [accepted, true],
      [coming, true],
      [nobody, false],
    ] as const)
      // prettier-ignore
      expect(await other.blobs.has(sha256 as string)).toBe(there);
    expect(await storage.store.annotations.list('prune', { limit: 9 })).toHaveLength(2);
  });

  it('brings back what lies aside although a row points to it, without being asked', async () => {
    const sha256 = await other.blobs.put(Buffer.from('aside'));
    await prune(25);
    await accept(sha256);
    await prune(1);
    const entries = [];
    for await (const entry of storage.blobs.removal?.entries() ?? []) if (entry.sha256 === sha256) entries.push(entry);
    expect(entries).toMatchObject([{ aside: false }]);
  });

  it('loses nothing to bytes that are put and annotated while it runs, however short the time', async () => {
    const texts = Array.from({ length: 30 }, (_, i) => `again and again ${i}`);
    let writing = true;
    const written = new Set<string>();
    const writers = [0, 1, 2].map(async (writer) => {
      for (let turn = writer; writing || turn < texts.length; turn += 3) {
        const sha256 = await other.blobs.put(Buffer.from(texts[turn % texts.length] as string));
        if (turn >= texts.length) continue;
        await accept(sha256);
        written.add(sha256);
      }
    });
    // Everything is old enough to be put aside, all the time; what is aside ends an hour later at the earliest.
    const { removal } = storage.blobs as Required<Pick<Storage['blobs'], 'removal'>>;
    const aside = { ...storage, blobs: { removal: { ...removal, remove: () => Promise.resolve() } } };
    for (let turn = 0; turn < 8; turn++) await pruneStorage(aside, planIn(0, { blobMs: -HOUR_MS }), { remove: true });
    writing = false;
    await Promise.all(writers);
    await prune(0, { blobMs: -HOUR_MS });
    expect(written.size).toBe(texts.length);
    for (const text of texts) expect(Buffer.from((await other.blobs.get(hashOf(text))) ?? []).toString()).toBe(text);
  }, 120_000);

  it('keeps jobs as long as somebody may have to be told of their end', async () => {
    const job = { id: 'job', project: 'prune', createdMs: 1, request: {} };
    await storage.store.batches.create(job, [], { name: 'other', data: 1 });
    const plan = { beforeMs: { jobs: Date.now() }, neededBy: { jobs: ['ended'] } };
    await storage.queue.send({ name: 'ended', data: { id: 'job' } });
    expect(countOf(await prune(0, plan), 'jobs')).toBeUndefined();
    expect(await storage.store.batches.get('job')).toBeDefined();
    await storage.queue.work('ended', () => Promise.resolve());
    await expect.poll(async () => (await storage.queue.depth())['ended'] ?? 0).toBe(0);
    expect(countOf(await prune(0, plan), 'jobs')).toMatchObject({ count: 1 });
    expect(await storage.store.batches.get('job')).toBeUndefined();
  });

  it('waits for a backup, and for another prune', async () => {
    const times = () => ({ nowMs: Date.now(), leaseMs: 60_000 });
    const { upkeep } = other.store;
    await upkeep?.hold(`${BACKUP_LEASES}x`, 'backup', times());
    expect(await prune(25)).toEqual({ pruned: [], runs: [], heldOff: 'a backup is being made' });
    await upkeep?.release(`${BACKUP_LEASES}x`, 'backup');
    await upkeep?.hold(PRUNE_LEASE, 'other', times());
    expect((await prune(25)).heldOff).toBe('another prune is under way');
    // Looking is free.
    expect((await prune(25, {}, false)).heldOff).toBeUndefined();
    await upkeep?.release(PRUNE_LEASE, 'other');
    expect((await prune(25)).heldOff).toBeUndefined();
  });
}

describe('pruning SQLite and a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-prune-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  suite(() => Promise.resolve({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs') }));
});

describeOnServers('pruning Postgres and S3', suite);
