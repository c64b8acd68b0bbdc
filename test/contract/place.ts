/** Where a suite's storage is kept, and the records its tests are made of. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import type { AnnotationRecord, ImageFacts, Storage } from '../../src/service/ports/storage.ts';

/** An empty place that can be opened more than once, as several processes do. */
export interface Place {
  open(): Promise<Storage>;
  remove(): Promise<void>;
}

/** Two storages on one place, for all tests of a suite: `first()` and `second()` once the tests run. */
export function openTwice(make: () => Promise<Place>): { first: () => Storage; second: () => Storage } {
  let place: Place | undefined;
  const opened: Storage[] = [];
  beforeAll(async () => {
    place = await make();
    opened.push(await place.open(), await place.open());
  });
  afterAll(async () => {
    for (const storage of opened) await storage.close();
    await place?.remove();
  });
  return { first: () => opened[0] as Storage, second: () => opened[1] as Storage };
}

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

/** For promises of which some may be refused. */
export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
