/** Numbers fitted to labels, which go with the masks they rest on. */
import type { FitRecord, FitStore } from '../../service/ports/fits.ts';
import { changing, type Room } from '../schema/database.ts';
import type { Change, Tables } from '../schema/schema.ts';
import { countRevision, lockProject, projectLock } from './projects.ts';
import { countRemoved } from './removed-masks.ts';

export function fitStore(room: Room): FitStore {
  const { connection } = room;
  const fits = (project: string) => connection.selectFrom('fits').selectAll().where('project', '=', project);
  return {
    async get(project, label) {
      const row = await fits(project).where('label', '=', label).executeTakeFirst();
      return row && fitOf(row);
    },
    async list(project, limit) {
      return (await fits(project).orderBy('fitted_ms', 'desc').orderBy('label').limit(limit).execute()).map(fitOf);
    },
    put: (fit, learnedFrom) => changing(room, { locks: projectLock(fit.project) }, (change) => put(change, fit, learnedFrom)),
  };
}

async function put(
  change: Change,
  { project, label, baseModel, data, values, fittedMs }: FitRecord,
  learnedFrom: readonly number[],
): Promise<boolean> {
  await lockProject(change, project);
  if ((await countRemoved(change, learnedFrom)) > 0) return false;
  const row = {
    ...{ model: baseModel, data, learned_from: JSON.stringify(learnedFrom) },
    ...{ fitted: JSON.stringify(values), fitted_ms: fittedMs },
  };
  await change
    .insertInto('fits')
    .values({ project, label, ...row })
    .onConflict((conflict) => conflict.columns(['project', 'label']).doUpdateSet(row))
    .execute();
  await countRevision(change, project);
  return true;
}

/** Takes back what rests on masks that were removed. labels: of those masks. The project is locked, and its revision is counted by the caller. */
export async function takeFitsBack(change: Change, project: string, labels: Iterable<string>): Promise<void> {
  for (const label of new Set(labels)) {
    const fit = await change
      .selectFrom('fits')
      .select('learned_from')
      .where('project', '=', project)
      .where('label', '=', label)
      .executeTakeFirst();
    if (fit === undefined || (await countRemoved(change, JSON.parse(fit.learned_from) as number[])) === 0) continue;
    await change.deleteFrom('fits').where('project', '=', project).where('label', '=', label).execute();
  }
}

function fitOf({ project, label, model, data, fitted, fitted_ms }: Tables['fits']): FitRecord {
  return { project, label, baseModel: model, data, values: JSON.parse(fitted) as FitRecord['values'], fittedMs: fitted_ms };
}
