/** Reads a job that people are done with back from CVAT and hands what it teaches to the service. */
import { isProsamError, messageOf, ProsamError } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import { hasMasks } from '../../../service/ports/provenance.ts';
import type { Service } from '../../../service/types.ts';
import { compareShapes } from './compare-shapes.ts';
import { countedLessons, lessonName, speaker, type CountedLesson } from './counted-lessons.ts';
import { createHandIn } from './hand-in.ts';
import { isDone, type DoneJob } from './job-events.ts';
import { lookAtJob, revisionOf, type JobLook } from './look-at-job.ts';
import { missingLessons } from './missing-lessons.ts';
import { projectNameOf } from '../names.ts';
import { sizeOf } from '../annotate/plan.ts';
import type { CvatJob } from '../api/types.ts';
import type { ReviewLog } from './review-log.ts';
import type { ReviewNotes } from './review-notes.ts';
import type { CvatApi, FrameIndex, UploadLog } from '../types.ts';

export interface LearnParts {
  api: CvatApi;
  service: Pick<Service, 'annotations'>;
  uploads?: UploadLog;
  reviews: ReviewLog;
  notes: ReviewNotes;
  frames: FrameIndex;
  /** Name of this CVAT installation, used in project names. */
  name: string;
  log: Log;
}

/** Lessons by what became of them. */
export interface Learned {
  project: string;
  stored: number;
  known: number;
  removed: number;
  /** With what the log says of them. */
  failed: number;
  /** Machine-made shapes nobody has looked at. */
  waiting: number;
}

/** Resolves to undefined where the job is not done any more. May be repeated: the same state of a job is stored once. */
export async function learnJob(parts: LearnParts, news: Partial<DoneJob> & { job: number }, signal?: AbortSignal) {
  const { api, reviews } = parts;
  const { job, task, updated, change } = news;
  if (change && task !== undefined) await reviews.observe(api.url, { job, task, atUs: revisionOf(updated), ...change }, change.before);
  const learned = await learnOne(parts, job, signal);
  // Jobs that had no say beside this one may have it now.
  for (const other of learned?.freed ?? []) await learnOne(parts, other, signal);
  return learned?.result;
}

async function learnOne(
  parts: LearnParts,
  id: number,
  signal: AbortSignal | undefined,
): Promise<{ result: Learned; freed: number[] } | undefined> {
  const { api, service, reviews, notes, name, log } = parts;
  const call = signal ? { signal } : {};
  const look = await lookAtJob(parts, id, signal);
  const { job, atUs, review } = look;
  const task = job.task_id;
  // Sound has no frames to learn from.
  if (!isDone(job) || job.media_type === 'audio') {
    notes.set(api.url, { task, job: id, waiting: 0, replaced: 0, doubted: 0 });
    return undefined;
  }
  const project = projectNameOf(name, job);
  const [labels, meta, jobs, counted] = await Promise.all([
    api.labels({ job: id }, call),
    api.meta(task, call),
    jobsOfTask(api, job, call),
    countedLessons(service, { project, source: name, task }),
  ]);
  const compared = compareShapes(look.shapes, factsOf(look));
  const waiting = [...compared.waiting.values()].reduce((sum, count) => sum + count, 0);
  const result: Learned = { project, stored: 0, known: 0, removed: 0, failed: 0, waiting };
  const names = new Map(labels.map((label) => [label.id, label.name]));
  const deleted = new Set(meta.deleted_frames);
  const own = new Map(counted.filter((one) => one.job === id).map((one) => [one.externalId, one]));
  const others = counted.filter((one) => one.job !== id);
  const speaks = speaker({ job, jobs, others, lessons: compared.lessons, finishedAt: (one) => finishedAt(one, look) });
  const shown = new Set(compared.lessons.map(({ frame }) => frame));
  const lessons = compared.lessons.flatMap((lesson) => {
    const label = names.get(lesson.label);
    if (label === undefined || deleted.has(lesson.frame) || !speaks(lesson.frame)) return [];
    return [{ lesson, label, externalId: lessonName({ task, job: id, ...lesson }) }];
  });
  const missing = missingLessons({
    ...{ look, compared, deleted, own: [...own.values()], known: names, isSilenced: (frame) => shown.has(frame) && !speaks(frame) },
    now: new Set(lessons.map(({ externalId }) => externalId)),
    rejections: new Set(lessons.filter(({ lesson }) => !hasMasks(lesson.provenance)).map(({ externalId }) => externalId)),
  });
  if (missing.doubted.size > 0) await reviews.add(api.url, task, [{ job: id, doubted: review.finishedAt(id) }]);

  const handIn = createHandIn(parts, signal);
  const heard = new Set<number>();
  for (const { lesson, label, externalId } of lessons) {
    if (missing.doubted.has(externalId)) continue;
    try {
      const request = { job, lesson, externalId, label, atUs, size: sizeOf(meta, lesson.frame), settled: compared.settled };
      result[(await handIn({ ...request, counted: own.get(externalId)?.revision })) ? 'stored' : 'known']++;
      heard.add(lesson.frame);
    } catch (error) {
      // What is wrong with one shape says nothing about the others; what is wrong with the service does.
      if (!isProsamError(error) || error.status >= 500 || error.status === 429) throw error;
      result.failed++;
      log.warn({ job: id, frame: lesson.frame, code: error.code }, `cvat: one frame cannot be learned from: ${messageOf(error)}`);
    }
  }
  const replacedByThis = others.filter(({ frame }) => heard.has(frame));
  for (const { externalId, revision } of [...missing.gone, ...missing.silenced, ...replacedByThis]) {
    // Written down first, so that it has a later revision if it comes back, whatever happens in between.
    await reviews.add(api.url, task, [{ key: externalId, revision }]);
    // Nobody ordered a deletion: what is shown again counts again.
    if (await service.annotations.withdraw({ project, source: name, externalId }, revision)) result.removed++;
  }
  notes.set(api.url, { task, job: id, waiting, replaced: missing.held.length, doubted: missing.doubted.size });
  log.info({ job: id, ...result, kept: missing.held.length + missing.doubted.size }, 'cvat: a job was read back');
  return { result, freed: jobsFreed(job, jobs, missing.gone) };
}

/** @throws CVAT_FAILED where the list lacks the job itself: then it says nothing about the others either */
async function jobsOfTask(api: CvatApi, { id, task_id: task }: CvatJob, call: { signal?: AbortSignal }): Promise<CvatJob[]> {
  const jobs = await api.jobs({ task }, call);
  if (jobs.some((one) => one.id === id)) return jobs;
  throw new ProsamError(
    'CVAT_FAILED',
    `expected the jobs of task ${task} with job ${id} among them, got ${jobs.length} others. Check what the token may see.`,
  );
}

function factsOf({ job, atUs, uploaded, review }: JobLook) {
  return {
    uploaded,
    groundTruth: job.type === 'ground_truth',
    isMachines: review.isMachines,
    isReviewed: (shape: JobLook['shapes'][number]) => review.isReviewed(job.id, shape),
    isSettled: (waiting: number) => {
      const finished = review.finishedAs(job.id, atUs);
      // Between two looks a machine may have been there, too; its shapes would tell.
      return finished === 'surely' || (finished === 'likely' && waiting === 0);
    },
  };
}

function finishedAt(job: CvatJob, { review }: JobLook): number {
  const known = review.finishedAt(job.id);
  return known < 0 ? revisionOf(job.updated_date) : known;
}

/** Finished jobs with frames that nobody speaks for any more. */
function jobsFreed(job: CvatJob, jobs: readonly CvatJob[], gone: readonly CountedLesson[]): number[] {
  return jobs
    .filter((one) => one.id !== job.id && isDone(one) && gone.some(({ frame }) => frame >= one.start_frame && frame <= one.stop_frame))
    .map(({ id }) => id);
}
