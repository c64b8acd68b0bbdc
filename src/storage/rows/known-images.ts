/** The rows of images: made once, counted by their project, and marked while an annotation of theirs counts. */
import type { ImageFacts } from '../../service/ports/storage.ts';
import { lockProject } from './projects.ts';
import { ACTIVE, type Change, type Connection } from '../schema/schema.ts';

/** Rows of one statement; every row brings some parameters, and databases take only so many. */
const ROWS_AT_ONCE = 1000;

/** Whether adding these would change anything: most often it would not, and nobody need wait for a lock. */
export async function isNews(connection: Connection, images: readonly ImageFacts[]): Promise<boolean> {
  for (const project of new Set(images.map((image) => image.project))) {
    const mine = images.filter((image) => image.project === project);
    for (let from = 0; from < mine.length; from += ROWS_AT_ONCE) {
      const page = mine.slice(from, from + ROWS_AT_ONCE);
      const rows = await connection
        .selectFrom('images')
        .select(['sha256', 'external_id'])
        .where('project', '=', project)
        .where(
          'sha256',
          'in',
          page.map(({ sha256 }) => sha256),
        )
        .execute();
      const names = new Map(rows.map((row) => [row.sha256, row.external_id]));
      if (page.some(({ sha256, externalId }) => !names.has(sha256) || (externalId !== undefined && names.get(sha256) === null)))
        return true;
    }
  }
  return false;
}

/** Takes the locks of their projects. */
export async function addImages(change: Change, images: readonly ImageFacts[], createdMs: number): Promise<void> {
  const projects = [...new Set(images.map((image) => image.project))].sort();
  for (const project of projects) await lockProject(change, project);
  for (const project of projects) {
    const mine = images.filter((image) => image.project === project);
    await countImages(change, project, await insertImages(change, mine, createdMs));
  }
}

/** Inserts images of one project, which is locked. Known ones stay as they are, but for an external id they lacked. -> how many are new */
export async function insertImages(change: Change, images: readonly ImageFacts[], createdMs: number): Promise<number> {
  // A statement that meets one row twice is refused by Postgres; the first one with a name speaks for all.
  const distinct = new Map<string, ImageFacts>();
  for (const image of images) if (distinct.get(image.sha256)?.externalId === undefined) distinct.set(image.sha256, image);
  const rows = [...distinct.values()].map(({ project, sha256, width, height, externalId }) => {
    const facts = { project, sha256, width, height, external_id: externalId ?? null };
    return { ...facts, created_ms: createdMs, annotated: 0 as const, uncertainty: -1, presence: -1, gain: -1, split: null };
  });
  let added = 0;
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const page = rows.slice(from, from + ROWS_AT_ONCE);
    const made = await change
      .insertInto('images')
      .values(page)
      .onConflict((conflict) => conflict.doNothing())
      .returning('sha256')
      .execute();
    added += made.length;
    const isNew = new Set(made.map(({ sha256 }) => sha256));
    for (const { project, sha256, external_id } of page) {
      if (external_id === null || isNew.has(sha256)) continue;
      await change
        .updateTable('images')
        .set({ external_id })
        .where('project', '=', project)
        .where('sha256', '=', sha256)
        .where('external_id', 'is', null)
        .execute();
    }
  }
  return added;
}

export async function countImages(change: Change, project: string, added: number): Promise<void> {
  if (added === 0) return;
  await change
    .updateTable('projects')
    .set((row) => ({ images: row('images', '+', added) }))
    .where('project', '=', project)
    .execute();
}

/** An annotation of it counts. -> 1 where none did before */
export function markAnnotated(change: Change, project: string, sha256: string): Promise<number> {
  return setAnnotated(change, project, sha256, 1);
}

/** An annotation of it counts no more. -> 1 where it was the last one */
export async function unmarkAnnotated(change: Change, project: string, sha256: string): Promise<number> {
  const other = await change
    .selectFrom('annotations')
    .select('sequence')
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .where('active', '=', ACTIVE)
    .limit(1)
    .executeTakeFirst();
  return other ? 0 : setAnnotated(change, project, sha256, 0);
}

async function setAnnotated(change: Change, project: string, sha256: string, annotated: 0 | 1): Promise<number> {
  const { numUpdatedRows } = await change
    .updateTable('images')
    .set({ annotated })
    .where('project', '=', project)
    .where('sha256', '=', sha256)
    .where('annotated', '<>', annotated)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}
