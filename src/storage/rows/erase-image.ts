/** Erasure of an image and of all that came of it. */
import { sql } from 'kysely';
import type { ErasedImage, Erasure } from '../../service/ports/storage.ts';
import { takeOut } from './active-masks.ts';
import { takeFitsBack } from './fits.ts';
import { countRevision, lockProject } from './projects.ts';
import type { Change, Connection } from '../schema/schema.ts';

export async function eraseImage(change: Change, project: string, sha256: string, nowMs: number): Promise<ErasedImage | undefined> {
  await lockProject(change, project);
  const image = await change
    .selectFrom('images')
    .select('annotated')
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .executeTakeFirst();
  if (image === undefined) return undefined;
  const versions = await versionsOf(change, project, sha256);
  const annotations = await change
    .selectFrom('annotations')
    .select(['sequence', 'project', 'revision', 'sha256', 'provenance', 'flagged', 'active'])
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .execute();
  const masks = await change.selectFrom('masks').select('label').where('project', '=', project).where('sha256', '=', sha256).execute();
  // First out of the counts of its labels, then out of the store.
  for (const one of annotations) if (one.active === 1) await takeOut(change, one);
  for (const table of ['absences', 'masks', 'annotations', 'images'] as const)
    await change.deleteFrom(table).where('project', '=', project).where('sha256', '=', sha256).execute();
  await takeFitsBack(
    change,
    project,
    masks.map(({ label }) => label),
  );
  const predictions = await change
    .deleteFrom('predictions')
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .executeTakeFirstOrThrow();
  const results = await eraseResults(change, project, sha256);
  await change.insertInto('erasures').values({ project, sha256, erased_ms: nowMs, settled: 0 }).execute();
  await countRevision(change, project, { images: -1, annotated: -image.annotated });
  return { annotations: annotations.length, predictions: Number(predictions.numDeletedRows), results, versions };
}

/** Runs read masks up to a sequence: those that came later cannot have seen the image's first one. */
async function versionsOf(change: Change, project: string, sha256: string): Promise<string[]> {
  const { first } = await change
    .selectFrom('masks')
    .select(({ fn }) => fn.min('sequence').as('first'))
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .executeTakeFirstOrThrow();
  // The type knows nothing of no rows.
  if ((first as number | null) === null) return [];
  const rows = await change
    .selectFrom('versions')
    .innerJoin('runs', 'runs.id', 'versions.run_id')
    .select('versions.id')
    .where('versions.project', '=', project)
    .where('runs.up_to', '>=', first)
    .orderBy('versions.number', 'desc')
    .execute();
  return rows.map(({ id }) => id);
}

/** Results name the image by its hash; an item that waits fails, for its image is not there any more. */
async function eraseResults(change: Change, project: string, sha256: string): Promise<number> {
  const naming = `%${sha256}%`;
  const items = await change
    .updateTable('batch_items')
    .set({ result: null, input: null })
    .where('batch', 'in', change.selectFrom('batches').select('id').where('project', '=', project))
    .where('state', '<>', 'waiting')
    .where((row) => row.or([row('result', 'like', naming), row('input', 'like', naming)]))
    .executeTakeFirstOrThrow();
  const deliveries = await change
    .updateTable('deliveries')
    .set({ body: null, state: sql`case when state = 'waiting' then 'dead' else state end`, last_error: 'the image was erased' })
    .where('project', '=', project)
    .where('body', 'like', naming)
    .executeTakeFirstOrThrow();
  return Number(items.numUpdatedRows + deliveries.numUpdatedRows);
}

/** Oldest first. */
export async function erasures(
  connection: Connection,
  { after = 0, unsettled = false, limit }: { after?: number; unsettled?: boolean; limit: number },
): Promise<Erasure[]> {
  const all = connection.selectFrom('erasures').selectAll().where('id', '>', after).orderBy('id').limit(limit);
  const rows = await (unsettled ? all.where('settled', '=', sql.lit<0>(0)) : all).execute();
  return rows.map(({ id, project, sha256, erased_ms }) => ({ id, project, sha256, erasedMs: erased_ms }));
}

export async function imagesNamed(connection: Connection, project: string, name: string): Promise<string[]> {
  const rows = await connection
    .selectFrom('images')
    .select('sha256')
    .where('project', '=', project)
    // Between the name with a colon and the next text that does not begin so: wildcards in names have no meaning here.
    .where((row) =>
      row.or([row('external_id', '=', name), row.and([row('external_id', '>=', `${name}:`), row('external_id', '<', `${name};`)])]),
    )
    .orderBy('sha256')
    .limit(1000)
    .execute();
  return rows.map(({ sha256 }) => sha256);
}
