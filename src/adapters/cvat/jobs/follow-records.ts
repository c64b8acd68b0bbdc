/**
 * Looks whether tasks are there that taught nothing, but have records: predictions were uploaded to them, or answered for their frames.
 * Nobody else would notice that they are gone where no webhook tells.
 */
import { createLruMap } from '../../../core/common/lru-map.ts';
import { dropRecords, recordedTasks, type RecordParts } from './drop-records.ts';
import { isTooMuch, jobsOf } from './follow-tasks.ts';
import { isMissing } from './is-missing.ts';
import { showsOtherWork } from './other-work.ts';

export interface FollowRecordsOptions extends RecordParts {
  /** Tasks that are followed for what they taught. */
  known: () => Promise<readonly { task: number }[]>;
}

/** Tasks that were not believed gone and are not asked for again by this process, until CVAT lists them. */
const MAX_DOUBTED = 10_000;

/** One look. Most of them gone at once are not believed. @throws CVAT_*, STORAGE_FAILED */
export function createRecordFollower({ known, ...parts }: FollowRecordsOptions): (signal: AbortSignal) => Promise<void> {
  const { api, log } = parts;
  const doubted = createLruMap<number, true>({ max: MAX_DOUBTED });
  return async (signal) => {
    const followed = new Set((await known()).map(({ task }) => task));
    const tasks = [...(await recordedTasks(parts)).keys()].filter((task) => !followed.has(task));
    const listed = await jobsOf(api, tasks, signal);
    for (const task of listed.keys()) doubted.delete(task);
    const vanished = tasks.filter((task) => !listed.has(task));
    const news = vanished.filter((task) => !doubted.has(task));
    if (news.length === 0) return;
    const isTold = !isTooMuch(vanished, tasks) && (await showsOtherWork(api, signal));
    for (const task of news) {
      // Hidden from this token, or nobody can tell.
      if (isTold && (await isMissing(api.task(task, { signal })).catch(() => false))) {
        await dropRecords(parts, task, new Set());
        log.info({ task }, 'cvat: the records of a task that is gone are dropped');
      } else doubted.set(task, true);
    }
  };
}
