/** Records of tasks that are no more: what was uploaded to them, what was answered for their images, and what was seen of their jobs. */
import { messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import type { AnswerLog } from '../annotate/answer-log.ts';
import type { CvatApi, FrameIndex, UploadLog } from '../types.ts';
import { isMissing } from './is-missing.ts';
import type { ReviewLog } from './review-log.ts';
import { showsOtherWork } from './other-work.ts';

export interface RecordParts {
  api: CvatApi;
  frames: FrameIndex;
  uploads?: UploadLog;
  answers?: Partial<Pick<AnswerLog, 'drop' | 'dropTask' | 'tasks'>>;
  reviews?: Pick<ReviewLog, 'drop' | 'tasks'>;
  log: Log;
}

/** Age at which the records of a task go that CVAT does not know and whose deletion nothing else told, in milliseconds: 30 days. */
export const MIN_AGE_MS = 30 * 86_400_000;

/**
 * Drops the uploads and answers of a task whose deletion CVAT itself confirmed. images: those that its lessons were about and no other
 * task's. What was seen of its jobs stays for a while, so that a task that is shown again teaches what it did.
 */
export async function dropRecords(
  { api, frames, uploads, answers }: RecordParts,
  task: number,
  images: ReadonlySet<string>,
): Promise<void> {
  await uploads?.drop?.(api.url, task);
  const own = [...images, ...(frames.imagesOf?.(api.url, task) ?? [])].filter((sha256) => (frames.get(sha256)?.task ?? task) === task);
  if (own.length > 0) await answers?.drop?.(new Set(own));
  await answers?.dropTask?.(api.url, task);
}

/** Tasks with uploads or answers, and the time of their last change in milliseconds since 1970. @throws STORAGE_FAILED */
export async function recordedTasks({
  api,
  uploads,
  answers,
}: Pick<RecordParts, 'api' | 'uploads' | 'answers'>): Promise<Map<number, number>> {
  return newest([(await uploads?.tasks?.(api.url)) ?? [], (await answers?.tasks?.(api.url)) ?? []]);
}

/**
 * Drops all records of tasks that are gone though nothing told it: CVAT responds 404 while it shows other work, and nothing was added for
 * long. May be repeated; what fails is tried the next time. Never rejects.
 */
export async function dropOldRecords(parts: RecordParts, nowMs: number, signal: AbortSignal): Promise<void> {
  const { api, reviews, log } = parts;
  try {
    const seen = (await reviews?.tasks?.(api.url)) ?? [];
    const recorded = [...(await recordedTasks(parts))].map(([task, changedMs]) => ({ task, changedMs }));
    const gone: number[] = [];
    for (const [task, changedMs] of newest([seen, recorded]))
      if (nowMs - changedMs >= MIN_AGE_MS && (await isMissing(api.task(task, { signal })))) gone.push(task);
    if (gone.length === 0 || !(await showsOtherWork(api, signal))) return;
    for (const task of gone) {
      await dropRecords(parts, task, new Set());
      await reviews?.drop?.(api.url, task);
    }
    log.info({ tasks: gone.length }, 'cvat: records of tasks that are gone are dropped');
  } catch (error) {
    if (!signal.aborted) log.warn({}, `cvat: records of tasks that are gone could not be dropped: ${messageOf(error)}`);
  }
}

function newest(lists: readonly (readonly { task: number; changedMs: number }[])[]): Map<number, number> {
  const tasks = new Map<number, number>();
  for (const { task, changedMs } of lists.flat()) tasks.set(task, Math.max(changedMs, tasks.get(task) ?? 0));
  return tasks;
}
