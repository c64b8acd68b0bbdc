/** A store opened for a backup or a restore, and their progress. */
import type { MoveOptions } from '../../storage/copy/copy-storage.ts';
import { openWholeStorage, type OpenStorage } from '../../storage/open-storage.ts';
import { PATIENT_TIMEOUTS } from '../../storage/timeouts.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import { storeSettings, type StoreValues } from '../models/store.ts';

/** migrate: makes the schema where it is missing or of an earlier version. */
export async function withWholeStore<T>(values: StoreValues, migrate: boolean, use: (storage: OpenStorage) => Promise<T>): Promise<T> {
  const { database, objects } = await storeSettings(values);
  const storage = await openWholeStorage({ database, objects, migrate, timeouts: PATIENT_TIMEOUTS });
  try {
    return await use(storage);
  } finally {
    await storage.close();
  }
}

export async function withProgress<T>(signal: AbortSignal | undefined, move: (options: MoveOptions) => Promise<T>): Promise<T> {
  let progress: Progress | undefined;
  const onPhase = (total: number): void => {
    progress?.clear();
    progress = createProgress(total);
  };
  try {
    return await move({ onPhase, onMoved: (what) => progress?.advance(what), ...(signal && { signal }) });
  } finally {
    progress?.clear();
  }
}
