/** Content of an annotation: what makes two deliveries of it the same. */
import { createHash } from 'node:crypto';
import type { AnnotationRecord } from '../../service/ports/storage.ts';

/** Hash of what was accepted. When it came, and what the tool calls the image, is no part of it: a delivery repeated later is the same. */
export function contentOf(record: AnnotationRecord): string {
  const masks = record.masks
    .map(({ label, rle, area }) => [label, rle.size[0], rle.size[1], rle.counts, area] as const)
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  const { image, provenance, flagged = false, annotator = null, predictionVersion = null } = record;
  return createHash('sha256')
    .update(JSON.stringify([image.sha256, provenance, flagged, annotator, predictionVersion, masks]))
    .digest('hex');
}
