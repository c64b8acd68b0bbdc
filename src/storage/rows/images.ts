/** The images of every project: what is known of each, and which one to label next. */
import { sql } from 'kysely';
import type { ImageRow, ImageStore } from '../../service/ports/storage.ts';
import { changing, type Room } from '../schema/database.ts';
import { addImages, isNews } from './known-images.ts';
import { predicted, predictions } from './predictions.ts';
import { eraseImage, erasures, imagesNamed } from './erase-image.ts';
import { lockProject, projectLock } from './projects.ts';
import type { Connection, Tables } from '../schema/schema.ts';

export function imageStore(room: Room): ImageStore {
  const { connection } = room;
  return {
    async add(images, createdMs) {
      if (await isNews(connection, images))
        await changing(room, { locks: onlyProject(images) }, (change) => addImages(change, images, createdMs));
    },
    async get(project, sha256) {
      const row = await connection
        .selectFrom('images')
        .selectAll()
        .where('project', '=', project)
        .where('sha256', '=', sha256)
        .executeTakeFirst();
      return row && imageOf(row);
    },
    predicted: (records, keep) => changing(room, { locks: onlyProject(records) }, (change) => predicted(change, records, keep)),
    predictions: (options) => predictions(connection, options),
    unlabelled: (project, options) => unlabelled(connection, project, options),
    assignSplit: (project, images) =>
      changing(room, { locks: projectLock(project) }, async (change) => {
        await lockProject(change, project);
        for (const { sha256, split } of images) {
          const unassigned = change.updateTable('images').set({ split }).where('split', 'is', null);
          await unassigned.where('project', '=', project).where('sha256', '=', sha256).execute();
        }
      }),
    erase: (project, sha256, nowMs) =>
      changing(room, { locks: projectLock(project) }, (change) => eraseImage(change, project, sha256, nowMs)),
    erasures: (options) => erasures(connection, options),
    async settleErasure(id) {
      await connection.updateTable('erasures').set({ settled: 1 }).where('id', '=', id).execute();
    },
    async isKnown(sha256) {
      return (
        (await connection.selectFrom('images').select('sha256').where('sha256', '=', sha256).limit(1).executeTakeFirst()) !== undefined
      );
    },
    named: (project, name) => imagesNamed(connection, project, name),
    async counts(project) {
      const counted = await connection
        .selectFrom('projects')
        .select(['images', 'annotated'])
        .where('project', '=', project)
        .executeTakeFirst();
      const { masks } = await connection
        .selectFrom('concepts')
        .select(({ fn }) => fn.sum<number | null>('masks').as('masks'))
        .where('project', '=', project)
        .executeTakeFirstOrThrow();
      return { images: counted?.images ?? 0, annotated: counted?.annotated ?? 0, masks: masks ?? 0 };
    },
  };
}

/** undefined: of several, whose locks are taken in one order. */
function onlyProject(rows: readonly { project: string }[]): string | undefined {
  const projects = new Set(rows.map(({ project }) => project));
  return projects.size === 1 ? projectLock([...projects][0] as string) : undefined;
}

/** The page is found in the index alone, however far down it is; then its rows are read by their keys. */
async function unlabelled(
  connection: Connection,
  project: string,
  { limit, offset = 0 }: { limit: number; offset?: number },
): Promise<ImageRow[]> {
  const page = await connection
    .selectFrom('images')
    .select('sha256')
    .where('project', '=', project)
    .where('annotated', '=', sql.lit<0>(0))
    .orderBy('gain', 'desc')
    .orderBy('sha256', 'desc')
    .limit(limit)
    .offset(offset)
    .execute();
  if (page.length === 0) return [];
  const names = page.map(({ sha256 }) => sha256);
  const rows = await connection.selectFrom('images').selectAll().where('project', '=', project).where('sha256', 'in', names).execute();
  const byName = new Map(rows.map((row) => [row.sha256, row]));
  return names.flatMap((name) => byName.get(name) ?? []).map(imageOf);
}

function imageOf(row: Tables['images']): ImageRow {
  return {
    ...{ project: row.project, sha256: row.sha256, width: row.width, height: row.height },
    ...(row.external_id !== null && { externalId: row.external_id }),
    ...{ createdMs: row.created_ms, annotated: row.annotated === 1 },
    ...(row.uncertainty >= 0 && { uncertainty: row.uncertainty }),
    ...(row.presence >= 0 && { presence: row.presence }),
    ...(row.split !== null && { split: row.split }),
  };
}
