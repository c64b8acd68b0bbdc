/** Handles whole tasks and projects deleted in CVAT: their lessons are removed once CVAT itself confirms it. */
import type { Service } from '../../../service/types.ts';
import { countedLessons, imagesOfTask } from './counted-lessons.ts';
import { isMissing } from './is-missing.ts';
import { isDone, type Deleted } from './job-events.ts';
import { dropRecords, type RecordParts } from './drop-records.ts';
import { projectNameOf } from '../names.ts';
import type { ReviewLog } from './review-log.ts';
import type { ReviewNotes } from './review-notes.ts';
import type { CvatApi } from '../types.ts';

export interface DeletedParts extends RecordParts {
  service: Pick<Service, 'annotations'>;
  reviews: ReviewLog;
  notes: ReviewNotes;
  name: string;
}

/**
 * Lessons of a task, or of one job of it, that a signed webhook reports as deleted. A 404 alone is what any stranger answers, so the
 * project around it must be there for this token. Resolves to jobs that may be heard now; undefined: it was not deleted, or nobody can tell.
 */
export async function forgetDeleted(parts: DeletedParts, what: Deleted, signal?: AbortSignal): Promise<number[] | undefined> {
  const { api, service, reviews, notes, name, log } = parts;
  const { task, job, project: project_id } = what;
  const call = signal ? { signal } : {};
  const isGone = await isMissing(job === undefined ? api.task(task, call) : api.job(job, call));
  if (!isGone || !(await isAround(api, what, call))) {
    log.warn({ ...what }, 'cvat: something is said to be deleted, and CVAT itself does not say so: nothing is removed');
    return undefined;
  }
  const project = projectNameOf(name, { project_id, task_id: task });
  const lessons = (await countedLessons(service, { project, source: name, task })).filter((one) => job === undefined || one.job === job);
  // Read while the lessons are there.
  const images = job === undefined ? await imagesOfTask(service, { project, source: name, task }) : undefined;
  let removed = 0;
  for (const { externalId, revision } of lessons) {
    await reviews.add(api.url, task, [{ key: externalId, revision }]);
    if (await service.annotations.delete({ project, source: name, externalId }, revision)) removed++;
  }
  notes.drop(api.url, what);
  if (images) await dropRecords(parts, task, images);
  log.info({ ...what, removed }, 'cvat: what was learned from deleted work is removed');
  if (job === undefined || removed === 0) return [];
  return (await api.jobs({ task }, call)).filter(isDone).map(({ id }) => id);
}

/** Whether CVAT shows the rest: the task of a job, the project of a task, or at least who asks. */
async function isAround(api: CvatApi, { task, job, project }: Deleted, call: { signal?: AbortSignal }): Promise<boolean> {
  if (job !== undefined) return !(await isMissing(api.task(task, call)));
  if (project !== null) return (await api.labels({ project }, call)).length > 0;
  return !(await isMissing(api.self(call)));
}
