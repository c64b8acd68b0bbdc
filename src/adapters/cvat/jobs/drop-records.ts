/** Records of tasks that are no more: what was uploaded to them, and what was answered for their images. */
import { messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import type { AnswerLog } from '../annotate/answer-log.ts';
import type { CvatApi, FrameIndex, UploadLog } from '../types.ts';
import { isMissing } from './is-missing.ts';

export interface RecordParts {
  api: CvatApi;
  frames: FrameIndex;
  uploads?: UploadLog;
  answers?: Partial<Pick<AnswerLog, 'drop'>>;
  log: Log;
}

/** Age at which the record of a task goes that CVAT does not know and whose deletion no webhook told, in milliseconds: 30 days. */
export const MIN_AGE_MS = 30 * 86_400_000;

/** Drops the records of a task whose deletion CVAT itself confirmed. images: those that its lessons were about and no other task's. */
export async function dropRecords(
  { api, frames, uploads, answers }: RecordParts,
  task: number,
  images: ReadonlySet<string>,
): Promise<void> {
  await uploads?.drop?.(api.url, task);
  const own = [...images, ...(frames.imagesOf?.(api.url, task) ?? [])].filter((sha256) => (frames.get(sha256)?.task ?? task) === task);
  if (own.length > 0) await answers?.drop?.(new Set(own));
}

/**
 * Drops records of tasks that are gone though nobody told: CVAT responds 404 while it shows other work, and nothing was added for long. A
 * task that is only hidden from the token for some time keeps its record. May be repeated; what fails is tried the next time. Never rejects.
 */
export async function dropOldRecords(parts: RecordParts, nowMs: number, signal: AbortSignal): Promise<void> {
  const { api, uploads, log } = parts;
  try {
    const old = ((await uploads?.tasks?.(api.url)) ?? []).filter(({ changedMs }) => nowMs - changedMs >= MIN_AGE_MS);
    const gone: number[] = [];
    for (const { task } of old) if (await isMissing(api.task(task, { signal }))) gone.push(task);
    if (gone.length === 0) return;
    const anything = JSON.stringify({ and: [{ '>': [{ var: 'updated_date' }, new Date(0).toISOString()] }] });
    if ((await api.jobs({ filter: anything }, { signal })).length === 0) return;
    for (const task of gone) await dropRecords(parts, task, new Set());
    log.info({ tasks: gone.length }, 'cvat: records of uploads to tasks that are gone are dropped');
  } catch (error) {
    if (!signal.aborted) log.warn({}, `cvat: records of tasks that are gone could not be dropped: ${messageOf(error)}`);
  }
}
