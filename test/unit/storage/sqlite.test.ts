/** SQLite and a folder: everything every store must do. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { annotationModelConformance } from '../../contract/annotation-model.ts';
import { annotationConformance } from '../../contract/annotations.ts';
import { longestNamesConformance } from '../../contract/longest-names.ts';
import { batchConformance } from '../../contract/batches.ts';
import { imageConformance } from '../../contract/images.ts';
import type { Place } from '../../contract/place.ts';
import { queueConformance } from '../../contract/queue.ts';
import { runConformance } from '../../contract/runs.ts';

function place(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-sqlite-'));
  return Promise.resolve({
    open: () => openStorage({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs') }),
    remove: () => rm(folder, { recursive: true, force: true }),
  });
}

describe('SQLite', () => {
  annotationConformance(place);
  longestNamesConformance(place);
  annotationModelConformance(place, 60);
  imageConformance(place);
  runConformance(place);
  batchConformance(place);
  queueConformance(place, 2000);
});
