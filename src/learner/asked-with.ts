/** The references that the project would use for each image if nobody had annotated it: what a held-out image is asked with. */
import { LIMITS } from '../core/common/limits.ts';
import { chooseReferences, countEach, MAX_POOL, poolOf, usualCount } from '../service/ports/choose-references.ts';
import type { FitStore } from '../service/ports/fits.ts';
import type { MaskRow, Store } from '../service/ports/storage.ts';
import { MAX_RIVAL_IMAGES } from '../core/engine/trust/rivals.ts';
import type { Lesson, Snapshot, SnapshotReference } from './snapshot.ts';

export type AskedWith = Pick<Snapshot, 'references' | 'without' | 'asked' | 'accepted'>;

export interface AskedWithOptions {
  lessons: readonly Lesson[];
  /** Labels of all annotated images. */
  labels: ReadonlyMap<string, readonly string[]>;
  /** Largest annotation sequence that counts. */
  upTo: number;
  /** References of a label. @default as many as a service chooses */
  count?: number | undefined;
}

/** Labels asked for beside those that are measured: the others are only there to be told apart from. */
const OTHER_LABELS = MAX_RIVAL_IMAGES;

export async function askedWith(
  { annotations: store, fits }: { annotations: Pick<Store['annotations'], 'candidates' | 'imagesWithout'>; fits: Pick<FitStore, 'get'> },
  project: string,
  { lessons, labels, upTo, count }: AskedWithOptions,
): Promise<AskedWith> {
  const names = [...new Set(lessons.map(({ label }) => label))].sort();
  const pools = new Map<string, { pool: MaskRow[]; most: number }>();
  for (const label of names) {
    const most = count ?? usualCount((await fits.get(project, label))?.values.examples);
    const found = await store.candidates(project, label, Math.min(MAX_POOL, poolOf(most) + 1));
    pools.set(label, { pool: found.filter(({ sequence }) => sequence <= upTo), most });
  }
  const references = new Map<number, SnapshotReference>();
  const asked: Record<string, number[]> = {};
  for (const sha256 of new Set(lessons.map((lesson) => lesson.sha256))) {
    const measured = lessons.filter((lesson) => lesson.sha256 === sha256).map(({ label }) => label);
    const others = names.filter((label) => !measured.includes(label)).slice(0, OTHER_LABELS);
    const looked = [...measured, ...others].slice(0, LIMITS.labels);
    const chosen = looked.flatMap((label) => {
      const { pool, most } = pools.get(label) as { pool: MaskRow[]; most: number };
      const others = pool.filter((mask) => mask.sha256 !== sha256);
      return chooseReferences(others.slice(0, poolOf(most)), countEach(most, looked.length));
    });
    asked[sha256] = chosen.map(({ id }) => id);
    for (const mask of chosen) references.set(mask.id, referenceOf(mask, labels));
  }
  const accepted = new Map<string, number>();
  for (const label of [...labels.values()].flat()) accepted.set(label, (accepted.get(label) ?? 0) + 1);
  // One more than are used: an image is not held against itself.
  const without = names.length === 0 ? [] : await store.imagesWithout(project, names.slice(0, LIMITS.labels), MAX_RIVAL_IMAGES + 1);
  return { references: [...references.values()], without, asked, accepted: Object.fromEntries(accepted) };
}

function referenceOf({ id, label, sha256, rle }: MaskRow, labels: AskedWithOptions['labels']): SnapshotReference {
  const [height, width] = rle.size;
  const shows = (labels.get(sha256) ?? []).filter((other) => other !== label);
  return { id, label, sha256, rle: { size: [height, width], counts: rle.counts }, shows };
}
