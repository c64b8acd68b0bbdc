/**
 * Questions about what counts. Each takes one page out of one index and reads what belongs to it by key, so that the answer does not
 * depend on how well the database guesses.
 */
import type { Selectable } from 'kysely';
import type { AnnotationSummary, MaskRow } from '../../service/ports/storage.ts';
import { featureOfBytes } from './feature-bytes.ts';
import { absentLabels } from './absences.ts';
import { splitsOf } from './image-splits.ts';
import { ACTIVE, type Connection, type Tables } from '../schema/schema.ts';

interface Page {
  label?: string;
  before?: number;
  limit: number;
}

/** Newest first. */
export async function listAnnotations(connection: Connection, project: string, page: Page): Promise<AnnotationSummary[]> {
  const rows = await (page.label === undefined ? listed(connection, project, page) : ofLabel(connection, project, page.label, page));
  if (rows.length === 0) return [];
  const labels = new Map<number, { label: string; area: number }[]>(rows.map(({ sequence }) => [sequence, []]));
  const masks = await connection
    .selectFrom('masks')
    .select(['sequence', 'label', 'area'])
    .where('sequence', 'in', [...labels.keys()])
    .orderBy('id')
    .execute();
  for (const { sequence, label, area } of masks) labels.get(sequence)?.push({ label, area });
  const absent = await absentLabels(connection, [...labels.keys()]);
  return rows.map((row) => ({
    ...{ project: row.project, source: row.source, externalId: row.external_id, revision: row.revision, sha256: row.sha256 },
    ...{ provenance: row.provenance, flagged: row.flagged === 1, createdMs: row.created_ms, sequence: row.sequence },
    labels: labels.get(row.sequence) ?? [],
    ...(absent.has(row.sequence) && { absent: absent.get(row.sequence) as string[] }),
    ...(row.annotator !== null && { annotator: row.annotator }),
  }));
}

function listed(connection: Connection, project: string, { before = Number.MAX_SAFE_INTEGER, limit }: Page) {
  return connection
    .selectFrom('annotations')
    .selectAll()
    .where('active', '=', ACTIVE)
    .where('project', '=', project)
    .where('sequence', '<', before)
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute();
}

async function ofLabel(connection: Connection, project: string, label: string, { before = Number.MAX_SAFE_INTEGER, limit }: Page) {
  const masks = await connection
    .selectFrom('masks')
    .select('sequence')
    .where('active', '=', ACTIVE)
    .where('project', '=', project)
    .where('label', '=', label)
    .where('sequence', '<', before)
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute();
  const sequences = masks.map(({ sequence }) => sequence);
  if (sequences.length === 0) return [];
  return connection.selectFrom('annotations').selectAll().where('sequence', 'in', sequences).orderBy('sequence', 'desc').execute();
}

/** Best references first. */
export async function candidates(connection: Connection, project: string, label: string, limit: number): Promise<MaskRow[]> {
  const rows = await counting(connection, project)
    .where('label', '=', label)
    .orderBy('preference', 'desc')
    .orderBy('sequence', 'desc')
    .limit(limit)
    .execute();
  return withSplits(connection, project, rows);
}

/** Oldest first. */
export async function masksAfter(
  connection: Connection,
  project: string,
  { after = 0, limit }: { after?: number; limit: number },
): Promise<MaskRow[]> {
  const rows = await counting(connection, project).where('id', '>', after).orderBy('id').limit(limit).execute();
  return withSplits(connection, project, rows);
}

export async function concepts(connection: Connection, project: string): Promise<{ label: string; masks: number; newest: number }[]> {
  return connection
    .selectFrom('concepts')
    .select(['label', 'masks', 'newest'])
    .where('project', '=', project)
    .where('masks', '>', 0)
    .orderBy('label')
    .execute();
}

function counting(connection: Connection, project: string) {
  return connection.selectFrom('masks').selectAll().where('active', '=', ACTIVE).where('project', '=', project);
}

async function withSplits(connection: Connection, project: string, rows: readonly Selectable<Tables['masks']>[]): Promise<MaskRow[]> {
  if (rows.length === 0) return [];
  const splits = await splitsOf(connection, project, rows);
  return rows.map((row) => {
    const split = splits.get(row.sha256);
    return {
      ...{ id: row.id, project: row.project, label: row.label, sha256: row.sha256, area: row.area },
      rle: { size: [row.height, row.width], counts: row.counts },
      ...{ provenance: row.provenance, flagged: row.flagged === 1, createdMs: row.created_ms, sequence: row.sequence },
      ...(split !== undefined && { split }),
      ...(row.feature !== null && { feature: featureOfBytes(row.feature) }),
    };
  });
}
