/** A store with annotations of images nobody has. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { cocoRleFromMaskSync } from '../../../src/core/mask/rle.ts';
import type { AnnotationRecord, Store } from '../../../src/service/ports/storage.ts';

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Of every mask. */
export const RLE = cocoRleFromMaskSync({ data: Uint8Array.from([1, 0, 0, 1]), width: 2, height: 2 });

export interface MaskStore {
  store: Store;
  annotate(image: string, labels: readonly string[], more?: Partial<AnnotationRecord>): Promise<void>;
  /** Largest sequence that counts. */
  newest(): Promise<number>;
  close(): Promise<void>;
}

/** Of the project p. */
export async function maskStore(): Promise<MaskStore> {
  const folder = await mkdtemp(join(tmpdir(), 'prosam-masks-'));
  const storage = await openStorage({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs') });
  const { store } = storage;
  return {
    store,
    async annotate(image, labels, more = {}) {
      const record: AnnotationRecord = {
        ...{ project: 'p', source: 'test', externalId: image, revision: 1, provenance: 'edited', createdMs: 1 },
        image: { project: 'p', sha256: hash(image), width: 2, height: 2 },
        masks: labels.map((label) => ({ label, rle: RLE, area: 2 })),
        ...more,
      };
      await store.annotations.accept(record, []);
    },
    newest: async () => Math.max(...(await store.annotations.concepts('p')).map((concept) => concept.newest)),
    async close() {
      await storage.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
