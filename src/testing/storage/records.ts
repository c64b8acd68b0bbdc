/** Records the tests of storage are made of. */
import { createHash } from 'node:crypto';
import type { AnnotationRecord, ImageFacts } from '../../service/ports/storage.ts';

let lastProject = 0;

/** A name no other test uses; sorts as it was made. */
export function newProject(): string {
  return `project-${String(++lastProject).padStart(6, '0')}`;
}

export function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

export function imageOf(project: string, name: string, more: Partial<ImageFacts> = {}): ImageFacts {
  return { project, sha256: hashOf(name), width: 40, height: 30, ...more };
}

export function maskOf(label: string, area = 12) {
  return { label, rle: { size: [30, 40] as const, counts: `${label}${area}` }, area };
}

/** An annotation drawn on image "a" with one mask of a cup. */
export function recordOf(project: string, more: Partial<AnnotationRecord> = {}): AnnotationRecord {
  return {
    ...{ project, source: 'webhook', externalId: 'one', revision: 1, image: imageOf(project, 'a') },
    ...{ provenance: 'drawn', masks: [maskOf('cup')], createdMs: 1_700_000_000_000 },
    ...more,
  };
}

/** The names of a page, in order. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Code of an error, for promises of which some may be refused. */
export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
