/** Takes back what a run uploaded, as far as nobody has touched it since. */
import { ProsamError } from '../../../core/common/errors.ts';
import type { CvatClient } from '../api/client.ts';
import type { RunLog } from './run-log.ts';
import { removeShapes } from './store.ts';
import type { UploadLog } from '../types.ts';

export interface UndoResult {
  removed: number;
  /** Edited by people since: theirs now. */
  kept: number;
  /** Deleted by people since. */
  gone: number;
}

/** task: of the log. @throws CVAT_FAILED, CVAT_REFUSED: what was taken back until then is in the log */
export async function undoRun(
  client: CvatClient,
  log: RunLog,
  task: number,
  { uploads, signal }: { uploads?: Pick<UploadLog, 'forget'>; signal?: AbortSignal | undefined } = {},
): Promise<UndoResult> {
  const total: UndoResult = { removed: 0, kept: 0, gone: 0 };
  for (const [job, stored] of log.stored) {
    if (stored.length === 0) continue;
    // What is not there any more is forgotten: only where it is surely the same job.
    const { task_id: of } = await client.job(job, { signal });
    if (of !== task)
      throw new ProsamError('CVAT_FAILED', `job ${job}: expected a job of task ${task}, got one of task ${of}. Check the address of CVAT.`);
    const { removed, kept, gone } = await removeShapes(client, { job }, stored, signal);
    total.removed += removed.length;
    total.kept += kept.length;
    total.gone += gone.length;
    await log.append({ event: 'undone', ids: [...removed, ...kept, ...gone] });
    await uploads?.forget(client.url, task, removed);
  }
  // The frames are as if the run had never been.
  await log.append({ event: 'undone', ids: [], frames: [...log.done] });
  return total;
}
