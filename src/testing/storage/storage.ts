/** Everything a store, its queue and its bytes must do, in one call. */
import type { TestRunner } from '../test-runner.ts';
import { testAbsences } from './absences.ts';
import { testAnnotationsInAnyOrder } from './annotation-model.ts';
import { testAnnotations } from './annotations.ts';
import { testBatches } from './batches.ts';
import { testErasure } from './erasure.ts';
import { testFits } from './fits.ts';
import { testImages } from './images.ts';
import type { StoragePlace } from './place.ts';
import { testLongestNames } from './longest-names.ts';
import { testQueue } from './queue.ts';
import { testRemovedAnnotations } from './removed-annotations.ts';
import { testRuns } from './runs.ts';
import { testSignatures } from './signatures.ts';
import { testUpkeep } from './upkeep.ts';

export interface StorageTestOptions {
  /** Makes an empty place; once a part of the suite. */
  place: () => Promise<StoragePlace>;
  /** Random orders of annotations that are tried. @default 60 */
  orders?: number;
}

/**
 * The suite of a `Storage`: annotations, images, runs and versions, fitted numbers, batches and deliveries, upkeep, and the queue. Blobs have a suite of their own, `testBlobs`.
 * @example
 * import { afterAll, beforeAll, describe, it } from 'vitest';
 * testStorage({ afterAll, beforeAll, describe, it }, { place: async () => ({ open: () => openMyStorage(), remove: async () => {} }) });
 */
export function testStorage(tests: TestRunner, { place, orders = 60 }: StorageTestOptions): void {
  testAnnotations(tests, place);
  testAbsences(tests, place);
  testRemovedAnnotations(tests, place);
  testLongestNames(tests, place);
  testAnnotationsInAnyOrder(tests, place, orders);
  testImages(tests, place);
  testErasure(tests, place);
  testFits(tests, place);
  testRuns(tests, place);
  testBatches(tests, place);
  testSignatures(tests, place);
  testUpkeep(tests, place);
  testQueue(tests, place);
}
