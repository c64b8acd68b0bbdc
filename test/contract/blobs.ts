/** What every store of bytes must do. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Blobs } from '../../src/service/ports/storage.ts';
import { expectRejection } from '../unit/core/expect-error.ts';
import { collect, hashOf } from './place.ts';

export interface BlobPlace {
  open(): Promise<Blobs>;
  /** Puts bytes where the blob of a name is kept, whatever the name says. */
  damage(sha256: string, bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

export function blobConformance(make: () => Promise<BlobPlace>): void {
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
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
          const sha256 = await blobs.put(bytes);
          expect(new Uint8Array((await others.get(sha256)) ?? [])).toEqual(bytes);
          expect(await others.has(sha256)).toBe(true);
        }),
        { numRuns: 20 },
      );
      expect(await blobs.put(Buffer.from('hello'))).toBe(hashOf('hello'));
      const large = randomBytes(3_000_000);
      // A view into a larger buffer is only its own bytes.
      const name = await blobs.put(large.subarray(1000));
      expect(Buffer.compare((await others.get(name)) ?? new Uint8Array(), large.subarray(1000))).toBe(0);
    });

    it('are put once however often and by however many', async () => {
      const bytes = randomBytes(50_000);
      const names = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? blobs : others).put(bytes)));
      expect(new Set(names).size).toBe(1);
      expect((await collect(blobs.list())).filter((name) => name === names[0])).toHaveLength(1);
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
        expect(await blobs.get(name)).toBeUndefined();
        expect(await blobs.has(name)).toBe(false);
      }
    });

    it('are refused when damaged, and made whole by putting them again', async () => {
      const bytes = randomBytes(1000);
      const name = await blobs.put(bytes);
      await place.damage(name, bytes.subarray(1));
      await expectRejection('BLOB_DAMAGED', blobs.get(name), name);
      expect(await others.put(bytes)).toBe(name);
      expect(new Uint8Array((await blobs.get(name)) ?? [])).toEqual(new Uint8Array(bytes));
      const changed = Uint8Array.from(bytes, (byte, i) => (i === 500 ? byte ^ 1 : byte));
      await place.damage(name, changed);
      await expectRejection('BLOB_DAMAGED', blobs.get(name));
    });

    it('are listed all', async () => {
      const names = await Promise.all(Array.from({ length: 30 }, (_, i) => blobs.put(Buffer.from(`listed ${i}`))));
      const listed = await collect(others.list());
      expect(listed).toEqual(expect.arrayContaining(names));
      expect(new Set(listed).size).toBe(listed.length);
      expect(listed.every((name) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
    });
  });
}
