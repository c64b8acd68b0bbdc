/** Brings an annotation's masks and absences in or takes them out, and keeps the count of every label right. */
import type { AnnotationRecord, Provenance } from '../../service/ports/storage.ts';
import { hasMasks, preferenceOf } from '../../service/ports/provenance.ts';
import { ACTIVE, flag, type Change } from '../schema/schema.ts';

/** The revision of an annotation that counts. */
export interface Newest {
  sequence: number;
  project: string;
  revision: number;
  sha256: string;
  provenance: Provenance;
  flagged: 0 | 1;
}

/** counts: false for one that came too late; its masks are kept all the same. */
export async function bringIn(change: Change, record: AnnotationRecord, sequence: number, counts: boolean): Promise<void> {
  const { project, image, provenance, flagged = false, createdMs } = record;
  const absent = [...new Set(record.absent)].map((label) => ({
    ...{ sequence, project, label, sha256: image.sha256, created_ms: createdMs, active: flag(counts) },
  }));
  if (absent.length > 0) await change.insertInto('absences').values(absent).execute();
  const masks = hasMasks(provenance) ? record.masks : [];
  if (masks.length === 0) return;
  const preference = preferenceOf(provenance, flagged);
  const rows = masks.map(({ label, rle, area }) => ({
    ...{ sequence, project, label, sha256: image.sha256, height: rle.size[0], width: rle.size[1], counts: rle.counts, area },
    ...{ provenance, flagged: flag(flagged), preference, created_ms: createdMs, active: flag(counts), feature: null },
  }));
  await change.insertInto('masks').values(rows).execute();
  if (!counts) return;
  // Sequences grow, so no other one of the label is newer.
  for (const { label } of masks) await countLabel(change, project, label, 1, sequence);
}

/** The annotation counts for nothing from now on. -> labels of its masks */
export async function takeOut(change: Change, { sequence, project }: Newest): Promise<string[]> {
  await change.updateTable('annotations').set({ active: 0 }).where('sequence', '=', sequence).execute();
  await change.updateTable('absences').set({ active: 0 }).where('sequence', '=', sequence).execute();
  const masks = await change.updateTable('masks').set({ active: 0 }).where('sequence', '=', sequence).returning('label').execute();
  for (const { label } of masks) await countLabel(change, project, label, -1, await newestOf(change, project, label));
  return masks.map(({ label }) => label);
}

/** A revision that was taken out counts again, as it was. */
export async function bringBack(change: Change, { sequence, project }: Pick<Newest, 'sequence' | 'project'>): Promise<void> {
  await change.updateTable('annotations').set({ active: 1 }).where('sequence', '=', sequence).execute();
  await change.updateTable('absences').set({ active: 1 }).where('sequence', '=', sequence).execute();
  const masks = await change.updateTable('masks').set({ active: 1 }).where('sequence', '=', sequence).returning('label').execute();
  for (const { label } of masks) await countLabel(change, project, label, 1, await newestOf(change, project, label));
}

async function newestOf(change: Change, project: string, label: string): Promise<number> {
  const newest = await change
    .selectFrom('masks')
    .select('sequence')
    .where('project', '=', project)
    .where('label', '=', label)
    .where('active', '=', ACTIVE)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest?.sequence ?? 0;
}

async function countLabel(change: Change, project: string, label: string, by: 1 | -1, newest: number): Promise<void> {
  await change
    .insertInto('concepts')
    .values({ project, label, masks: by, newest })
    .onConflict((conflict) =>
      conflict.columns(['project', 'label']).doUpdateSet((held) => ({ masks: held('concepts.masks', '+', by), newest })),
    )
    .execute();
}
