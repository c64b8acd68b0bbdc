/** `prosam/cvat`: CVAT's side of the service, what it keeps, and calls on CVAT's own interface. */
export { cvat } from './cvat.ts';
export type { Cvat, CvatOptions, DirectListener } from './cvat.ts';
export { createFrameIndex } from './nuclio/frame-index.ts';
export { cvatRleFromMaskSync, maskFromCvatRle } from '../../core/mask/cvat-rle.ts';
export { createPortRegistry } from './nuclio/port-registry.ts';
export type { PortRegistry, PortRegistryOptions } from './nuclio/port-registry.ts';
export type { Prefetched, PrefetchRequest } from './nuclio/prefetch.ts';
export { createCvatClient } from './api/client.ts';
export type { CvatClient, CvatClientOptions } from './api/client.ts';
export { createPollCursor } from './jobs/poll-cursor.ts';
export type { PollCursor } from './jobs/poll-cursor.ts';
export { createReviewLog } from './jobs/review-log.ts';
export type { ReviewLog } from './jobs/review-log.ts';
export { createReviewNotes } from './jobs/review-notes.ts';
export type { ReviewNote, ReviewNotes } from './jobs/review-notes.ts';
export type { TrackMemoryOptions } from './nuclio/track-memory.ts';
export type { CvatApi, FrameIndex, KnownFrame, UploadLog, UploadedShape } from './types.ts';
export { createUploadLog } from './jobs/upload-log.ts';
