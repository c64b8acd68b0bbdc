/** One trainer per run folder. */
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from '../../core/files/file-lock.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';

/**
 * Resolves to the release. A lock whose process is gone (it was killed) is taken over.
 * @throws RUN_LOCKED, OUTPUT_FAILED
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'run.lock');
  const made = await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new ProsamError('OUTPUT_FAILED', `${folder}: cannot be made: ${messageOf(cause)}. Name another folder.`, { cause });
  });
  const taken = await takeLock(path).catch((cause: unknown) => {
    throw new ProsamError('OUTPUT_FAILED', `${path}: cannot be written: ${messageOf(cause)}. Check the folder.`, { cause });
  });
  if ('release' in taken) {
    return async () => {
      await taken.release();
      // Where the run never came to write anything.
      if (made !== undefined) await rmdir(folder).catch(() => undefined);
    };
  }
  const { holder } = taken;
  const why = holder ? `process ${holder.pid} on ${holder.host} is training here` : 'other trainers take the folder at this very moment';
  throw new ProsamError(
    'RUN_LOCKED',
    `${folder}: ${why}. Wait for it, or use another folder; if there is no such trainer any more, delete run.lock.`,
  );
}
