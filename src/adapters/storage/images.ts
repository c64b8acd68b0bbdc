/** The images of every project: what is known of each, and which one to label next. */
import { sql } from 'kysely';
import type { ImageFacts, ImageRow, ImageStore } from '../../core/storage-ports.ts';
import { changing, type Room } from './database.ts';
import { predicted, predictions } from './predictions.ts';
import { hearOf } from './projects.ts';
import { ACTIVE, type Change, type Connection, type Tables } from './schema.ts';

/** Rows of one statement; every row brings some parameters, and databases take only so many. */
const ROWS_AT_ONCE = 1000;

export function imageStore(room: Room): ImageStore {
  const { connection } = room;
  return {
    add: (images, createdMs) => changing(room, [], (change) => addImages(change, images, createdMs)),
    async get(project, sha256) {
      const row = await connection
        .selectFrom('images')
        .selectAll()
        .where('project', '=', project)
        .where('sha256', '=', sha256)
        .executeTakeFirst();
      return row && imageOf(row);
    },
    predicted: (records, keep) => changing(room, [], (change) => predicted(change, records, keep)),
    predictions: (options) => predictions(connection, options),
    unlabelled: (project, options) => unlabelled(connection, project, options),
    assignSplit: (project, images) =>
      changing(room, [], async (change) => {
        for (const { sha256, split } of bySha256(images)) {
          await change
            .updateTable('images')
            .set({ split })
            .where('project', '=', project)
            .where('sha256', '=', sha256)
            .where('split', 'is', null)
            .execute();
        }
      }),
    async counts(project) {
      const ofImages = await connection
        .selectFrom('images')
        .select(({ fn }) => [fn.countAll<number>().as('images'), fn.sum<number | null>('annotated').as('annotated')])
        .where('project', '=', project)
        .executeTakeFirstOrThrow();
      const { masks } = await connection
        .selectFrom('concepts')
        .select(({ fn }) => fn.sum<number | null>('masks').as('masks'))
        .where('project', '=', project)
        .executeTakeFirstOrThrow();
      return { images: ofImages.images, annotated: ofImages.annotated ?? 0, masks: masks ?? 0 };
    },
  };
}

/** Known ones stay as they are, but for an external id they lacked. */
export async function addImages(change: Change, images: readonly ImageFacts[], createdMs: number): Promise<void> {
  // A statement that meets one row twice is refused by Postgres; the first one with a name speaks for all.
  const distinct = new Map<string, ImageFacts>();
  for (const image of images) {
    const key = `${image.project} ${image.sha256}`;
    if (distinct.get(key)?.externalId === undefined) distinct.set(key, image);
  }
  await hearOf(
    change,
    images.map(({ project }) => project),
  );
  const rows = [...distinct.keys()].sort().map((key) => {
    const { project, sha256, width, height, externalId } = distinct.get(key) as ImageFacts;
    const facts = { project, sha256, width, height, external_id: externalId ?? null };
    return { ...facts, created_ms: createdMs, annotated: 0 as const, uncertainty: -1, split: null };
  });
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    await change
      .insertInto('images')
      .values(rows.slice(from, from + ROWS_AT_ONCE))
      .onConflict((conflict) =>
        conflict
          .columns(['project', 'sha256'])
          .doUpdateSet((row) => ({ external_id: row.ref('excluded.external_id') }))
          .where('images.external_id', 'is', null)
          .where(sql<boolean>`excluded.external_id is not null`),
      )
      .execute();
  }
}

/** Brings the mark of these images up to date: annotated where an annotation of theirs counts. */
export async function markAnnotated(change: Change, project: string, images: readonly string[]): Promise<void> {
  for (const sha256 of new Set([...images].sort())) {
    const counts = await change
      .selectFrom('annotations')
      .select('sequence')
      .where('project', '=', project)
      .where('sha256', '=', sha256)
      .where('active', '=', ACTIVE)
      .limit(1)
      .executeTakeFirst();
    await change
      .updateTable('images')
      .set({ annotated: counts ? 1 : 0 })
      .where('project', '=', project)
      .where('sha256', '=', sha256)
      .execute();
  }
}

/** The page is found in the index alone; only its rows are read. */
async function unlabelled(
  connection: Connection,
  project: string,
  { limit, offset = 0 }: { limit: number; offset?: number },
): Promise<ImageRow[]> {
  const page = connection
    .selectFrom('images')
    .select('sha256')
    .where('project', '=', project)
    .where('annotated', '=', 0)
    .orderBy('uncertainty', 'desc')
    .orderBy('sha256', 'desc')
    .limit(limit)
    .offset(offset);
  const rows = await connection
    .selectFrom('images')
    .selectAll()
    .where('project', '=', project)
    .where('sha256', 'in', connection.selectFrom(page.as('page')).select('sha256'))
    .orderBy('uncertainty', 'desc')
    .orderBy('sha256', 'desc')
    .execute();
  return rows.map(imageOf);
}

/** In one order always, so that two changes never wait for each other. */
function bySha256<T extends { sha256: string }>(images: readonly T[]): T[] {
  return [...images].sort((one, other) => (one.sha256 < other.sha256 ? -1 : 1));
}

function imageOf(row: Tables['images']): ImageRow {
  return {
    ...{ project: row.project, sha256: row.sha256, width: row.width, height: row.height },
    ...(row.external_id !== null && { externalId: row.external_id }),
    ...{ createdMs: row.created_ms, annotated: row.annotated === 1 },
    ...(row.uncertainty >= 0 && { uncertainty: row.uncertainty }),
    ...(row.split !== null && { split: row.split }),
  };
}
