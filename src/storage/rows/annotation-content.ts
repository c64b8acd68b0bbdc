/** Content of an annotation: what makes two deliveries of it the same. */
import { createHash } from 'node:crypto';
import type { AcceptedMask, AnnotationRecord } from '../../service/ports/storage.ts';

/**
 * Hash of what was accepted: of the annotations SAM made masks of (`sent`), otherwise of the masks. When it came, and what the tool calls
 * the image, is no part of it: a delivery repeated later is the same.
 */
export function contentOf(record: AnnotationRecord): string {
  return hashOf(record, ({ label, sent, ...mask }) => (sent === undefined ? partsOf({ label, ...mask }) : [label, sent]));
}

/** Whether the content stored under a key and revision is that of a record. Version 0.1.0 stored the hash of the masks alone. */
export function isContentOf(content: string, record: AnnotationRecord): boolean {
  return content === contentOf(record) || content === hashOf(record, partsOf);
}

/** Its label, and what tells it from other masks of the label. */
type Part = readonly [label: string, ...(string | number)[]];

function partsOf({ label, rle, area }: AcceptedMask): Part {
  return [label, rle.size[0], rle.size[1], rle.counts, area];
}

function hashOf(record: AnnotationRecord, part: (mask: AcceptedMask) => Part): string {
  const masks = record.masks.map(part).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  const { image, provenance, flagged = false, annotator = null, predictionVersion = null, absent = [], absentUnnamed = false } = record;
  // Left out where there are none, as before there were any.
  const without = absent.length === 0 ? [] : [absentUnnamed ? 'every label' : [...new Set(absent)].sort()];
  return createHash('sha256')
    .update(JSON.stringify([image.sha256, provenance, flagged, annotator, predictionVersion, masks, ...without]))
    .digest('hex');
}
