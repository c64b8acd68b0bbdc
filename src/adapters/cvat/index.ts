/** `prosam/cvat`: CVAT's side of the service, what it keeps, and calls on CVAT's own interface. */
export { cvat } from './cvat.ts';
export type { Cvat, CvatOptions, DirectListener } from './cvat.ts';
export { createFrameBook } from './frame-book.ts';
export { cvatRleFromMask, maskFromCvatRle } from './mask-rle.ts';
export { createPortBook } from './port-book.ts';
export type { PortBook, PortBookOptions } from './port-book.ts';
export type { Prefetched, PrefetchRequest } from './prefetch.ts';
export { createCvatClient } from './rest-client.ts';
export type { CvatClient, CvatClientOptions } from './rest-client.ts';
export { createReviewBook } from './review-book.ts';
export type { ReviewBook } from './review-book.ts';
export { createReviewNotes } from './review-notes.ts';
export type { ReviewNote, ReviewNotes } from './review-notes.ts';
export type { TrackMemoryOptions } from './track-memory.ts';
export type { CvatApi, FrameBook, KnownFrame, UploadBook, UploadedShape } from './types.ts';
export { createUploadBook } from './upload-book.ts';
