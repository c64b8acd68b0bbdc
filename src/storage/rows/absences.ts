/** Questions about labels that images do not show. A mask of the label in the same image weighs more: somebody has seen it there. */
import { sql, type Selectable } from 'kysely';
import type { AbsenceRow } from '../../service/ports/storage.ts';
import { splitsOf } from './image-splits.ts';
import { ACTIVE, type Connection, type Tables } from '../schema/schema.ts';

/** -> absent labels by annotation, in the order they were said in */
export async function absentLabels(connection: Connection, sequences: readonly number[]): Promise<Map<number, string[]>> {
  const rows = await connection
    .selectFrom('absences')
    .select(['sequence', 'label'])
    .where('sequence', 'in', sequences)
    .orderBy('id')
    .execute();
  const found = new Map<number, string[]>();
  for (const { sequence, label } of rows) found.set(sequence, [...(found.get(sequence) ?? []), label]);
  return found;
}

/** Oldest first. */
export async function absencesAfter(
  connection: Connection,
  project: string,
  { after = 0, limit }: { after?: number; limit: number },
): Promise<AbsenceRow[]> {
  const rows = await counting(connection, project).selectAll('absences').where('id', '>', after).orderBy('id').limit(limit).execute();
  return withSplits(connection, project, rows);
}

/** Newest first. */
export async function imagesWithout(connection: Connection, project: string, labels: readonly string[], limit: number): Promise<string[]> {
  const asked = [...new Set(labels)];
  if (asked.length === 0) return [];
  const rows = await counting(connection, project)
    .select(['sha256', ({ fn }) => fn.max('id').as('newest')])
    .where('label', 'in', asked)
    .groupBy('sha256')
    .having(({ fn }) => fn.count('label').distinct(), '=', asked.length)
    .orderBy('newest', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ sha256 }) => sha256);
}

function counting(connection: Connection, project: string) {
  return connection
    .selectFrom('absences')
    .where('absences.active', '=', ACTIVE)
    .where('absences.project', '=', project)
    .where((row) =>
      row.not(
        row.exists(
          row
            .selectFrom('masks')
            .select(sql.lit(1).as('one'))
            .where('masks.active', '=', ACTIVE)
            .whereRef('masks.project', '=', 'absences.project')
            .whereRef('masks.sha256', '=', 'absences.sha256')
            .whereRef('masks.label', '=', 'absences.label'),
        ),
      ),
    );
}

async function withSplits(connection: Connection, project: string, rows: readonly Selectable<Tables['absences']>[]): Promise<AbsenceRow[]> {
  if (rows.length === 0) return [];
  const splits = await splitsOf(connection, project, rows);
  return rows.map(({ id, label, sha256, created_ms, sequence }) => {
    const split = splits.get(sha256);
    return { id, project, label, sha256, createdMs: created_ms, sequence, ...(split !== undefined && { split }) };
  });
}
