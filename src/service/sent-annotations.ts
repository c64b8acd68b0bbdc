/** Identity of annotations that SAM turns into masks: what was sent, because another model or device makes other masks of it. */
import { createHash, type Hash } from 'node:crypto';
import { asBytes } from '../core/image/input.ts';
import type { ParsedAnnotation } from '../core/mask/annotation.ts';
import { runSteps, type Steps } from '../core/mask/cooperative.ts';
import type { CocoRle } from '../core/mask/rle.ts';

/** Bytes hashed between two pauses: a millisecond of work or so. */
const SLICE = 2 ** 20;

/**
 * Hash of one label's annotations, in whatever order they come. grown: those that SAM turned into masks; rest: all others, joined.
 * -> hex sha256
 */
export async function sentHash(grown: readonly ParsedAnnotation[], rest: CocoRle | undefined, signal?: AbortSignal): Promise<string> {
  const texts: string[] = [];
  for (const annotation of grown) texts.push(await runSteps(annotationHash(annotation), signal));
  const others = rest && [rest.size[0], rest.size[1], rest.counts];
  return createHash('sha256')
    .update(JSON.stringify([texts.sort(), others ?? null]))
    .digest('hex');
}

function* annotationHash(annotation: ParsedAnnotation): Steps<string> {
  const hash = createHash('sha256');
  if ('file' in annotation) {
    hash.update(JSON.stringify([annotation.kind, ...(annotation.choice ? [annotation.choice] : [])]));
    yield* addBytes(hash, asBytes(annotation.file) ?? new Uint8Array());
  } else if ('mask' in annotation) {
    const { kind, mask } = annotation;
    hash.update(JSON.stringify([kind, mask.width, mask.height]));
    yield* addBytes(hash, mask.data);
  } else hash.update(JSON.stringify(annotation));
  return hash.digest('hex');
}

function* addBytes(hash: Hash, bytes: Uint8Array): Steps<void> {
  for (let at = 0; at < bytes.length; at += SLICE) {
    hash.update(bytes.subarray(at, at + SLICE));
    yield;
  }
}
