/** One look at a job: its shapes, and a note of those that machines made, which count as looked at once somebody finishes work on it later. */
import { machineShapes } from './compare-shapes.ts';
import { shapesOf, type JobShape } from './job-shapes.ts';
import type { CvatJob } from '../api/types.ts';
import type { ReviewLog } from './review-log.ts';
import type { TaskReview } from './task-review.ts';
import type { CvatApi, UploadLog, UploadedShape } from '../types.ts';

export interface JobLook {
  job: CvatJob;
  shapes: JobShape[];
  /** By this project, on frames of the job. */
  uploaded: UploadedShape[];
  /** Date of the job, in microseconds: every shape was saved by then. */
  atUs: number;
  review: TaskReview;
}

export interface LookParts {
  api: Pick<CvatApi, 'url' | 'annotations' | 'job'>;
  uploads?: UploadLog;
  reviews: ReviewLog;
}

/** Durable once it resolves. @throws CVAT_*, STORAGE_FAILED */
export async function lookAtJob({ api, uploads, reviews }: LookParts, id: number, signal?: AbortSignal): Promise<JobLook> {
  const call = signal ? { signal } : {};
  // The date is read after the shapes.
  const annotations = await api.annotations({ job: id }, call);
  const job = await api.job(id, call);
  const shapes = await shapesOf(annotations, job);
  const task = job.task_id;
  const sent = (await uploads?.uploaded(api.url, task)) ?? [];
  const uploaded = sent.filter(({ frame }) => frame >= job.start_frame && frame <= job.stop_frame);
  const seen = { job: id, task, atUs: revisionOf(job.updated_date) };
  await reviews.observe(api.url, { ...seen, state: job.state, stage: job.stage });
  const review = await reviews.task(api.url, task);
  await reviews.sight(api.url, seen, machineShapes(shapes, { uploaded, isMachines: review.isMachines }));
  return { job, shapes, uploaded, atUs: seen.atUs, review };
}

/** Microseconds since 1970, as CVAT's dates have them: later states of a job replace earlier ones. 0 where there is no date. */
export function revisionOf(date: string | undefined): number {
  const milliseconds = Date.parse(date ?? '');
  if (Number.isNaN(milliseconds)) return 0;
  const micro = /\.\d{3}(\d{3})/.exec(date ?? '')?.[1] ?? '0';
  return milliseconds * 1000 + Number(micro);
}
