/** The row every project has: made when it is first heard of, locked by whoever changes what the project stands at. */
import type { Selectable } from 'kysely';
import type { ProjectState } from '../../service/ports/versions.ts';
import type { Change, Tables } from '../schema/schema.ts';

export type Project = Selectable<Tables['projects']>;

/**
 * Makes the row if need be and keeps other changes of the project waiting until this one ends. Taken before anything else of the
 * project is touched, so that no two changes wait for each other.
 */
export async function lockProject(change: Change, project: string): Promise<Project> {
  return (
    change
      .insertInto('projects')
      .values({ project, revision: 0, current_version: null })
      // An update that changes nothing, for the lock it takes.
      .onConflict((conflict) => conflict.column('project').doUpdateSet((row) => ({ project: row.ref('excluded.project') })))
      .returningAll()
      .executeTakeFirstOrThrow()
  );
}

/** Lock of a change that concerns this project alone. */
export function projectLock(project: string): string {
  return `project ${project}`;
}

/** Makes the rows of projects nobody has heard of, without waiting for those who change the others. */
export async function hearOf(change: Change, projects: Iterable<string>): Promise<void> {
  const rows = [...new Set(projects)].sort().map((project) => ({ project, revision: 0, current_version: null }));
  if (rows.length === 0) return;
  await change
    .insertInto('projects')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Records that inputs of predictions changed; more: images added, and images more (or less) that are annotated. The project is locked. */
export async function countRevision(change: Change, project: string, more: { images?: number; annotated?: number } = {}): Promise<void> {
  const { images = 0, annotated = 0 } = more;
  await change
    .updateTable('projects')
    .set((row) => ({
      revision: row('revision', '+', 1),
      ...(images !== 0 && { images: row('images', '+', images) }),
      ...(annotated !== 0 && { annotated: row('annotated', '+', annotated) }),
    }))
    .where('project', '=', project)
    .execute();
}

export function stateOf({ project, revision, current_version }: Project): ProjectState {
  return { project, revision, ...(current_version !== null && { current: current_version }) };
}
