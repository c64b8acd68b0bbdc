/** Splits of images that rows name, asked for in one question. */
import type { Connection } from '../schema/schema.ts';

/** -> split by sha256, without those that have none yet */
export async function splitsOf(connection: Connection, project: string, rows: readonly { sha256: string }[]) {
  const images = await connection
    .selectFrom('images')
    .select(['sha256', 'split'])
    .where('project', '=', project)
    .where('sha256', 'in', [...new Set(rows.map(({ sha256 }) => sha256))])
    .execute();
  return new Map(images.flatMap(({ sha256, split }) => (split === null ? [] : [[sha256, split] as const])));
}
