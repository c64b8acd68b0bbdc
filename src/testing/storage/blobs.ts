/** Tests of a store of bytes. */
import { randomBytes } from 'node:crypto';
import type { Blobs } from '../../service/ports/storage.ts';
import { equal, ok, rejects } from '../checks.ts';
import type { TestRunner } from '../test-runner.ts';
import { collect, hashOf } from './records.ts';

export interface BlobPlace {
  open(): Promise<Blobs>;
  /** Puts bytes where the blob of a name is kept, whatever the name says. */
  damage(sha256: string, bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

export function testBlobs(tests: TestRunner, make: () => Promise<BlobPlace>): void {
  const { describe, it, beforeAll, afterAll } = tests;
  describe('blobs', () => {
    let place: BlobPlace;
    let blobs: Blobs;
    let others: Blobs;
    beforeAll(async () => {
      place = await make();
      [blobs, others] = [await place.open(), await place.open()];
    });
    afterAll(async () => {
      await blobs.close();
      await others.close();
      await place.remove();
    });

    it('are named by the hash of their bytes and come back as they were', async () => {
      for (const length of [0, 1, 2, 31, 64, 255, 300]) {
        const bytes = new Uint8Array(randomBytes(length));
        const sha256 = await blobs.put(bytes);
        equal(new Uint8Array((await others.get(sha256)) ?? []), bytes);
        equal(await others.has(sha256), true);
      }
      equal(await blobs.put(Buffer.from('hello')), hashOf('hello'));
      const large = randomBytes(3_000_000);
      // A view into a larger buffer is only its own bytes.
      const name = await blobs.put(large.subarray(1000));
      equal(Buffer.compare((await others.get(name)) ?? new Uint8Array(), large.subarray(1000)), 0);
    });

    it('are put once however often and by however many', async () => {
      const bytes = randomBytes(50_000);
      const names = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? blobs : others).put(bytes)));
      equal(new Set(names).size, 1);
      equal((await collect(blobs.list())).filter((name) => name === names[0]).length, 1);
    });

    it('are gone once removed, however often, and may be put again', async () => {
      const bytes = new Uint8Array(randomBytes(1000));
      const sha256 = await blobs.put(bytes);
      const other = await blobs.put(new Uint8Array(randomBytes(1000)));
      await others.remove(sha256);
      equal(await blobs.has(sha256), false);
      equal(await blobs.get(sha256), undefined);
      await blobs.remove(sha256);
      for (const name of ['', '../../etc/passwd', hashOf('nobody')]) await blobs.remove(name);
      equal(await others.has(other), true);
      equal(await blobs.put(bytes), sha256);
      equal(new Uint8Array((await others.get(sha256)) ?? []), bytes);
    });

    it('are not there under another name, least of all a path', async () => {
      for (const name of [
        hashOf('nobody'),
        '',
        '../../etc/passwd',
        hashOf('hello').toUpperCase(),
        `${hashOf('hello')}/..`,
        `x${hashOf('hello')}`,
      ]) {
        equal(await blobs.get(name), undefined);
        equal(await blobs.has(name), false);
      }
    });

    it('are refused when damaged, and made whole by putting them again', async () => {
      const bytes = randomBytes(1000);
      const name = await blobs.put(bytes);
      await place.damage(name, bytes.subarray(1));
      await rejects('BLOB_DAMAGED', blobs.get(name), name);
      equal(await others.put(bytes), name);
      equal(new Uint8Array((await blobs.get(name)) ?? []), new Uint8Array(bytes));
      const changed = Uint8Array.from(bytes, (byte, i) => (i === 500 ? byte ^ 1 : byte));
      await place.damage(name, changed);
      await rejects('BLOB_DAMAGED', blobs.get(name));
      // As many bytes are not the same bytes.
      equal(await others.put(bytes), name);
      equal(new Uint8Array((await blobs.get(name)) ?? []), new Uint8Array(bytes));
      await blobs.check?.();
    });

    it('put aside come back when they are asked for or put again, and end once they are removed', async () => {
      const { removal } = blobs;
      ok(removal !== undefined, 'expected blobs that can be removed, got none');
      const entryOf = async (sha256: string) => (await collect(removal.entries())).filter((entry) => entry.sha256 === sha256);
      const bytes = [1, 2, 3, 4].map((i) => Buffer.from(`aside ${i}`));
      const [read, looked, put, ended] = (await Promise.all(bytes.map((one) => blobs.put(one)))) as [string, string, string, string];
      equal(
        (await entryOf(read)).map((entry) => ({ bytes: entry.bytes, aside: entry.aside })),
        [{ bytes: 7, aside: false }],
      );
      for (const name of [read, looked, put, ended]) await removal.putAside(name);
      equal(
        (await entryOf(read)).map(({ aside }) => aside),
        [true],
      );
      ok((await entryOf(read)).every(({ sinceMs }) => Math.abs(sinceMs - Date.now()) < 600_000));
      equal(
        (await collect(others.list())).filter((name) => [read, looked, put, ended].includes(name)),
        [],
      );
      equal(Buffer.from((await others.get(read)) ?? []).toString(), 'aside 1');
      equal(await others.has(looked), true);
      equal(await others.put(bytes[2] as Uint8Array), put);
      for (const name of [read, looked, put, ended]) await removal.remove(name);
      for (const [name, there] of [
        [read, true],
        [looked, true],
        [put, true],
        [ended, false],
      ] as const)
        // prettier-ignore
        equal(await others.has(name), there);
      // Neither is there anything to do for one that is not there, or whose name is none.
      for (const name of [ended, '../../etc/passwd']) {
        await removal.putAside(name);
        await removal.bringBack(name);
        await removal.remove(name);
      }
      equal(await blobs.get(ended), undefined);
      await removal.putAside(read);
      await removal.bringBack(read);
      equal(
        (await entryOf(read)).map(({ aside }) => aside),
        [false],
      );
    });

    it('are listed all', async () => {
      const names = await Promise.all(Array.from({ length: 30 }, (_, i) => blobs.put(Buffer.from(`listed ${i}`))));
      const listed = await collect(others.list());
      ok(names.every((name) => listed.includes(name)));
      equal(new Set(listed).size, listed.length);
      equal(
        listed.every((name) => /^[0-9a-f]{64}$/.test(name)),
        true,
      );
    });
  });
}
