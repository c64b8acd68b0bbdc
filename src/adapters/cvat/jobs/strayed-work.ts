/** Lessons of tasks that vanished from CVAT, or moved to another project there: withdrawn or taken along, once CVAT itself confirms it. */
import type { Service } from '../../../service/types.ts';
import { cvatPlaceOf, projectNameOf } from '../names.ts';
import { countedLessons, imagesOfTask, type CountedLesson } from './counted-lessons.ts';
import { dropRecords, type RecordParts } from './drop-records.ts';
import { isMissing } from './is-missing.ts';
import type { Strayed } from './follow-tasks.ts';
import { isDone } from './job-events.ts';
import { learnJob, type LearnParts } from './learn-job.ts';
import { showsOtherWork } from './other-work.ts';

export type StrayedParts = LearnParts & RecordParts;

/** May be repeated. @throws CVAT_*, and what the service throws */
export async function followStrayed(parts: StrayedParts, { strayed, task, from }: Strayed, signal?: AbortSignal): Promise<void> {
  if (strayed === 'vanished') return withdrawVanished(parts, { task, from }, signal);
  const read = await learnTask(parts, task, signal);
  if (strayed === 'moved') await withdrawMoved(parts, { task, from, read }, signal);
}

/** Reads the finished jobs of a task back; -> those that were. */
async function learnTask(parts: LearnParts, task: number, signal?: AbortSignal): Promise<Set<number>> {
  const read = new Set<number>();
  for (const job of (await parts.api.jobs({ task }, signal ? { signal } : {})).filter(isDone))
    if ((await learnJob(parts, { job: job.id }, signal)) !== undefined) read.add(job.id);
  return read;
}

/**
 * Withdraws, for nobody ordered a deletion. A 404 is what any stranger answers: the project around it must be shown, or, where there is none,
 * other work. What is withdrawn counts again once the task is shown again; what was uploaded to it and answered for it is dropped.
 */
async function withdrawVanished(parts: StrayedParts, { task, from }: Pick<Strayed, 'task' | 'from'>, signal?: AbortSignal): Promise<void> {
  const { api, service, reviews, notes, name, log } = parts;
  const call = signal ? { signal } : {};
  const lessons = await countedLessons(service, { project: from, source: name, task });
  if (!(await isMissing(api.task(task, call))) || !(await isAround(parts, from, signal))) {
    log.warn({ task }, 'cvat: the jobs of a task are not listed any more, and CVAT does not say that it was deleted: nothing is removed');
    return;
  }
  // Read while the lessons are there.
  const images = await imagesOfTask(service, { project: from, source: name, task });
  for (const { externalId, revision } of lessons) await reviews.add(api.url, task, [{ key: externalId, revision }]);
  const removed = await withdraw(service, { project: from, source: name }, lessons);
  notes.drop(api.url, { task });
  await dropRecords(parts, task, images);
  log.info({ task, removed }, 'cvat: what was learned from a task that is gone is withdrawn');
}

async function isAround({ api }: Pick<LearnParts, 'api'>, project: string, signal?: AbortSignal): Promise<boolean> {
  const call = signal ? { signal } : {};
  const place = cvatPlaceOf(project.slice(0, project.lastIndexOf('/')), project);
  if (place !== undefined && 'project' in place) {
    if (await isMissing(api.project(place.project, call))) return false;
    return (await api.labels(place, call)).length > 0;
  }
  return showsOtherWork(api, signal);
}

/**
 * A lesson leaves the old project once the new one has that frame's lesson about the same label. What the new one has none of stays: jobs
 * people are at work on, and machine-made shapes, which have to be looked at again under their new label.
 */
async function withdrawMoved(
  { api, service, name, log }: LearnParts,
  { task, from, read }: Pick<Strayed, 'task' | 'from'> & { read: ReadonlySet<number> },
  signal?: AbortSignal,
): Promise<void> {
  const { project_id } = await api.task(task, signal ? { signal } : {});
  const to = projectNameOf(name, { project_id, task_id: task });
  if (to === from) return;
  const there = await countedLessons(service, { project: to, source: name, task });
  const taught = new Set(there.flatMap(placesOf));
  const along = (await countedLessons(service, { project: from, source: name, task })).filter((one) => {
    const places = placesOf(one);
    return places.length === 0 ? read.has(one.job) : places.every((place) => taught.has(place));
  });
  const removed = await withdraw(service, { project: from, source: name }, along);
  if (removed > 0) log.info({ task, from, to, removed }, 'cvat: what was learned from a task that was moved is learned in its new project');
}

function placesOf({ frame, names }: CountedLesson): string[] {
  return names.map((label) => `${frame} ${label}`);
}

async function withdraw(
  service: Pick<Service, 'annotations'>,
  of: { project: string; source: string },
  lessons: readonly CountedLesson[],
): Promise<number> {
  let removed = 0;
  for (const { externalId, revision } of lessons) if (await service.annotations.withdraw({ ...of, externalId }, revision)) removed++;
  return removed;
}
