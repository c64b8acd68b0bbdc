/** Bytes of stored images: kept in memory only where they do not lie as files. */
import { describe, expect, it } from 'vitest';
import { createServiceImages } from '../../../src/service/images.ts';
import type { Blobs, ImageStore } from '../../../src/service/ports/storage.ts';

const SHA256 = 'a'.repeat(64);

async function reads(changes: Partial<Blobs>): Promise<number> {
  let count = 0;
  const get = (): Promise<Uint8Array> => {
    count++;
    return Promise.resolve(new Uint8Array(10));
  };
  const images = { get: () => Promise.resolve({ sha256: SHA256, width: 1, height: 1 }) } as unknown as ImageStore;
  const service = createServiceImages({ images, blobs: { get, ...changes } as Blobs, limits: {}, now: Date.now });
  for (let i = 0; i < 3; i++) await service.bytes('p', SHA256);
  return count;
}

describe('bytes of stored images', () => {
  it('are read from their file each time, which the system keeps in memory', async () => {
    expect(await reads({ path: (sha256) => `/blobs/${sha256}` })).toBe(3);
  });

  it('are kept where they come over a network', async () => {
    expect(await reads({})).toBe(1);
  });
});
