/** `prosam/cvat`: CVAT's side of the service, what it keeps, and calls on CVAT's own interface. */
export { cvat } from './cvat.ts';
export type { Cvat, CvatOptions, DirectListener } from './cvat.ts';
export { createFrameBook } from './nuclio/frame-index.ts';
export { cvatRleFromMask, maskFromCvatRle } from './mask-rle.ts';
export { createPortBook } from './nuclio/port-registry.ts';
export type { PortBook, PortBookOptions } from './nuclio/port-registry.ts';
export type { Prefetched, PrefetchRequest } from './nuclio/prefetch.ts';
export { createCvatClient } from './api/client.ts';
export type { CvatClient, CvatClientOptions } from './api/client.ts';
export { createReviewBook } from './jobs/review-book.ts';
export type { ReviewBook } from './jobs/review-book.ts';
export { createReviewNotes } from './jobs/review-notes.ts';
export type { ReviewNote, ReviewNotes } from './jobs/review-notes.ts';
export type { TrackMemoryOptions } from './nuclio/track-memory.ts';
export type { CvatApi, FrameBook, KnownFrame, UploadBook, UploadedShape } from './types.ts';
export { createUploadBook } from './jobs/upload-log.ts';
