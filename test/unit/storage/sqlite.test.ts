/** SQLite and a folder: everything every store must do. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { StoragePlace } from '../../../src/testing/storage/place.ts';
import { testStorage } from '../../../src/testing/storage/storage.ts';

function place(): Promise<StoragePlace> {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-sqlite-'));
  return Promise.resolve({
    open: (options) => openStorage({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs'), ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  });
}

describe('SQLite', () => {
  testStorage({ afterAll, beforeAll, describe, it }, { place });
});
