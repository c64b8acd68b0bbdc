/** The newest prediction of each image, for people to look at and for ranking what to label next. */
import type { LabeledMask, PredictionRecord } from '../../service/ports/storage.ts';
import { lockProject } from './projects.ts';
import type { Change, Connection } from '../schema/schema.ts';

/** Longest time a prediction waits to be written; one that is newer by more comes from a clock that was ahead. */
const LATEST_MS = 3_600_000;

/** keep: predictions of one project that stay; the uncertainty of the other images stays too. */
export async function predicted(change: Change, records: readonly PredictionRecord[], keep: number): Promise<void> {
  for (const project of [...new Set(records.map((record) => record.project))].sort()) {
    await lockProject(change, project);
    for (const record of records) if (record.project === project) await store(change, record);
    const last = await change
      .selectFrom('predictions')
      .select('id')
      .where('project', '=', project)
      .orderBy('id', 'desc')
      .limit(1)
      .offset(keep)
      .executeTakeFirst();
    if (last) await change.deleteFrom('predictions').where('project', '=', project).where('id', '<=', last.id).execute();
  }
}

async function store(change: Change, { project, sha256, version, createdMs, masks, ranking }: PredictionRecord): Promise<void> {
  const ofImage = change.deleteFrom('predictions').where('project', '=', project).where('sha256', '=', sha256);
  // Erased while it was on its way.
  const image = await change
    .selectFrom('images')
    .select('sha256')
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .executeTakeFirst();
  if (image === undefined) return;
  const newer = await change
    .selectFrom('predictions')
    .select('id')
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .where('created_ms', '>', createdMs)
    .where('created_ms', '<=', createdMs + LATEST_MS)
    .executeTakeFirst();
  if (newer) return;
  // A new row, so that ids tell the order in which predictions came.
  await ofImage.execute();
  await change
    .insertInto('predictions')
    .values({ project, sha256, version, created_ms: createdMs, masks: JSON.stringify(masks) })
    .execute();
  const uncertainty = masks.reduce((most, mask) => Math.max(most, mask.uncertainty), -1);
  const ranked = { uncertainty, ...(ranking ?? { presence: -1, gain: uncertainty }) };
  await change.updateTable('images').set(ranked).where('project', '=', project).where('sha256', '=', sha256).execute();
}

/** Newest first. */
export async function predictions(
  connection: Connection,
  { project, limit }: { project?: string; limit: number },
): Promise<PredictionRecord[]> {
  const all = connection.selectFrom('predictions').selectAll().orderBy('id', 'desc').limit(limit);
  const rows = await (project === undefined ? all : all.where('project', '=', project)).execute();
  return rows.map((row) => ({
    ...{ project: row.project, sha256: row.sha256, version: row.version, createdMs: row.created_ms },
    masks: JSON.parse(row.masks) as (LabeledMask & { score: number; uncertainty: number; method: string })[],
  }));
}
