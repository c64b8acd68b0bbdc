/** Questions about what counts. Each is answered from one index, however many annotations there are. */
import { sql } from 'kysely';
import type { AnnotationSummary, MaskRow } from '../../core/storage-ports.ts';
import { featureOfBytes } from './feature-bytes.ts';
import { ACTIVE, type Connection } from './schema.ts';

interface Page {
  before?: number;
  limit: number;
}

/** Newest first. */
export async function listAnnotations(
  connection: Connection,
  project: string,
  { label, ...page }: Page & { label?: string },
): Promise<AnnotationSummary[]> {
  const rows = await connection
    .selectFrom('annotations')
    .select(['sequence', 'project', 'source', 'external_id', 'revision', 'sha256', 'provenance', 'flagged', 'annotator', 'created_ms'])
    .where('sequence', 'in', label === undefined ? ofAll(connection, project, page) : ofLabel(connection, project, label, page))
    .orderBy('sequence', 'desc')
    .execute();
  if (rows.length === 0) return [];
  const labels = await connection
    .selectFrom('masks')
    .select(['sequence', 'label', 'area'])
    .where(
      'sequence',
      'in',
      rows.map(({ sequence }) => sequence),
    )
    .orderBy('id')
    .execute();
  const bySequence = new Map<number, { label: string; area: number }[]>(rows.map(({ sequence }) => [sequence, []]));
  for (const { sequence, label: name, area } of labels) bySequence.get(sequence)?.push({ label: name, area });
  return rows.map((row) => ({
    ...{ project: row.project, source: row.source, externalId: row.external_id, revision: row.revision, sha256: row.sha256 },
    ...{ provenance: row.provenance, flagged: row.flagged === 1, createdMs: row.created_ms, sequence: row.sequence },
    labels: bySequence.get(row.sequence) ?? [],
    ...(row.annotator !== null && { annotator: row.annotator }),
  }));
}

function ofAll(connection: Connection, project: string, { before = Number.MAX_SAFE_INTEGER, limit }: Page) {
  const counting = connection.selectFrom('annotations').select('sequence').where('active', '=', ACTIVE).where('project', '=', project);
  return counting.where('sequence', '<', before).orderBy('sequence', 'desc').limit(limit);
}

function ofLabel(connection: Connection, project: string, label: string, { before = Number.MAX_SAFE_INTEGER, limit }: Page) {
  const counting = connection.selectFrom('masks').select('sequence').where('active', '=', ACTIVE).where('project', '=', project);
  return counting.where('label', '=', label).where('sequence', '<', before).orderBy('sequence', 'desc').limit(limit);
}

/** Best references first. */
export async function candidates(connection: Connection, project: string, label: string, limit: number): Promise<MaskRow[]> {
  const rows = await maskRows(connection, project)
    .where('masks.label', '=', label)
    .orderBy('masks.preference', 'desc')
    .orderBy('masks.sequence', 'desc')
    .limit(limit)
    .execute();
  return rows.map(maskOf);
}

/** Oldest first. */
export async function masksAfter(
  connection: Connection,
  project: string,
  { after, limit }: { after?: number; limit: number },
): Promise<MaskRow[]> {
  const all = maskRows(connection, project).orderBy('masks.id').limit(limit);
  const rows = await (after === undefined ? all : all.where('masks.id', '>', after)).execute();
  return rows.map(maskOf);
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

function maskRows(connection: Connection, project: string) {
  return connection
    .selectFrom('masks')
    .leftJoin('images', (join) => join.onRef('images.project', '=', 'masks.project').onRef('images.sha256', '=', 'masks.sha256'))
    .selectAll('masks')
    .select(sql<'train' | 'gate' | null>`images.split`.as('split'))
    .where('masks.active', '=', ACTIVE)
    .where('masks.project', '=', project);
}

function maskOf(row: Awaited<ReturnType<ReturnType<typeof maskRows>['execute']>>[number]): MaskRow {
  return {
    ...{ id: row.id, project: row.project, label: row.label, sha256: row.sha256, area: row.area },
    rle: { size: [row.height, row.width], counts: row.counts },
    ...{ provenance: row.provenance, flagged: row.flagged === 1, createdMs: row.created_ms, sequence: row.sequence },
    ...(row.split !== null && { split: row.split }),
    ...(row.feature !== null && { feature: featureOfBytes(row.feature) }),
  };
}
