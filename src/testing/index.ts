/** `prosam/testing`: suites for those who plug in a store, an adapter or a method; any test runner can run them. */
export type { TestRunner } from './test-runner.ts';
export { testAdapter } from './adapter.ts';
export type { AdapterAnnotation, AdapterSample, AdapterTestOptions } from './adapter.ts';
export type { AdapterParts, AdapterRequest } from './adapter-place.ts';
export { testMethod } from './method.ts';
export type { MethodTestOptions } from './method.ts';
export { testAnnotations } from './storage/annotations.ts';
export { testAnnotationsInAnyOrder } from './storage/annotation-model.ts';
export { testBatches } from './storage/batches.ts';
export { testBlobs } from './storage/blobs.ts';
export type { BlobPlace } from './storage/blobs.ts';
export { testImages } from './storage/images.ts';
export type { StoragePlace } from './storage/place.ts';
export { testQueue } from './storage/queue.ts';
export { testRemovedAnnotations } from './storage/removed-annotations.ts';
export { testRuns } from './storage/runs.ts';
export { testStorage } from './storage/storage.ts';
export type { StorageTestOptions } from './storage/storage.ts';
