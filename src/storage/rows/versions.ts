/** Trained versions and the pointer to the one in service. */
import { ProsamError } from '../../core/common/errors.ts';
import type { PointerChange, ProjectState, VersionRecord, VersionStore } from '../../service/ports/versions.ts';
import { storableText } from '../../core/common/limits.ts';
import { changing, type Room } from '../schema/database.ts';
import { countRevision, lockProject, projectLock, stateOf, type Project } from './projects.ts';
import { fromJson, toJson, type Change, type Tables } from '../schema/schema.ts';

export function versionStore(room: Room): VersionStore {
  const { connection } = room;
  return {
    async state(project) {
      const row = await connection.selectFrom('projects').selectAll().where('project', '=', project).executeTakeFirst();
      return row ? stateOf(row) : { project, revision: 0 };
    },
    async projects() {
      return (await connection.selectFrom('projects').selectAll().orderBy('project').execute()).map(stateOf);
    },
    async get(id) {
      const row = await connection.selectFrom('versions').selectAll().where('id', '=', id).executeTakeFirst();
      return row && versionOf(row);
    },
    async list({ project, limit }) {
      const all = connection.selectFrom('versions').selectAll().limit(limit);
      const newest =
        project === undefined
          ? all.orderBy('created_ms', 'desc').orderBy('number', 'desc').orderBy('id')
          : all.where('project', '=', project).orderBy('number', 'desc');
      return (await newest.execute()).map(versionOf);
    },
    promote: (project, to, reason, nowMs) =>
      changing(room, { locks: projectLock(project) }, (change) => promote(change, project, to, reason, nowMs)),
    async history(project, limit) {
      const rows = await connection
        .selectFrom('pointer_changes')
        .selectAll()
        .where('project', '=', project)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(pointerChangeOf);
    },
  };
}

/** A version already in service stays, and nothing is noted. */
async function promote(change: Change, project: string, to: string | undefined, reason: string, nowMs: number): Promise<ProjectState> {
  // Locked before it is looked for, so that nobody removes it in between.
  const before = await lockProject(change, project);
  if (to !== undefined) {
    const known = await change.selectFrom('versions').select('id').where('id', '=', to).where('project', '=', project).executeTakeFirst();
    if (known === undefined)
      throw new ProsamError(
        'VERSION_NOT_FOUND',
        `expected a version of project ${project}, got ${to}, which it does not have. List them: prosam models list`,
      );
  }
  if (before.current_version === (to ?? null)) return stateOf(before);
  await movePointer(change, before, to, reason, nowMs);
  return stateOf({ ...before, revision: before.revision + 1, current_version: to ?? null });
}

/** The project is locked. */
export async function movePointer(change: Change, before: Project, to: string | undefined, reason: string, nowMs: number): Promise<void> {
  const { project, current_version } = before;
  await change
    .updateTable('projects')
    .set({ current_version: to ?? null })
    .where('project', '=', project)
    .execute();
  await change
    .insertInto('pointer_changes')
    .values({ project, from_version: current_version, to_version: to ?? null, reason: storableText(reason), created_ms: nowMs })
    .execute();
  await countRevision(change, project);
}

/** The project is locked, so that no two versions get one number. */
export async function addVersion(change: Change, version: Omit<VersionRecord, 'number'>): Promise<void> {
  const { newest } = await change
    .selectFrom('versions')
    .select(({ fn }) => fn.max('number').as('newest'))
    .where('project', '=', version.project)
    .executeTakeFirstOrThrow();
  await change
    .insertInto('versions')
    .values({
      ...{ id: version.id, project: version.project, number: ((newest as number | null) ?? 0) + 1, parent: version.parent ?? null },
      ...{ run_id: version.runId, weights: version.weights, model: version.baseModel, data: version.data, seed: version.seed },
      ...{
        code: version.code,
        created_ms: version.createdMs,
        outcome: version.outcome,
        reason: storableText(version.reason),
        metrics: toJson(version.metrics),
      },
    })
    .execute();
}

function versionOf(row: Tables['versions']): VersionRecord {
  return {
    ...{ id: row.id, project: row.project, number: row.number, ...(row.parent !== null && { parent: row.parent }) },
    ...{ runId: row.run_id, weights: row.weights, baseModel: row.model, data: row.data, seed: row.seed, code: row.code },
    ...{ createdMs: row.created_ms, outcome: row.outcome, reason: row.reason, metrics: fromJson(row.metrics) },
  };
}

function pointerChangeOf(row: {
  [Column in keyof Omit<Tables['pointer_changes'], 'id'>]: Tables['pointer_changes'][Column];
}): PointerChange {
  return {
    project: row.project,
    ...(row.from_version !== null && { from: row.from_version }),
    ...(row.to_version !== null && { to: row.to_version }),
    ...{ reason: row.reason, createdMs: row.created_ms },
  };
}
