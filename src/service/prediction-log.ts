/** Predictions written together a moment later: they may be lost in a crash, so nobody waits for the disk. */
import { isProsamError, messageOf } from '../core/common/errors.ts';
import type { Log } from './ports/log.ts';
import type { ImageStore, PredictionRecord } from './ports/storage.ts';

const WRITE_AFTER_MS = 250;
/** After trouble with the database. */
const WRITE_AGAIN_MS = 5000;
const WRITE_AT_ONCE = 100;
/** More than that waiting for a database that does not answer: the oldest are dropped. */
const MAX_WAITING = 2000;

export interface PredictionLog {
  add(record: PredictionRecord): void;
  /** Resolves when all that waits has been written, or could not be. */
  flush(): Promise<void>;
  /** Writes what waits a last time. */
  close(): Promise<void>;
}

/** keep: predictions of a project that stay with their masks. */
export function createPredictionLog(images: ImageStore, keep: number, log: Log): PredictionLog {
  let waiting: PredictionRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  let closed = false;

  /** -> those that may be written later */
  const write = async (records: readonly PredictionRecord[]): Promise<readonly PredictionRecord[]> => {
    try {
      await images.predicted(records, keep);
      return [];
    } catch (error) {
      const projects = [...new Set(records.map(({ project }) => project))];
      // One project that somebody holds keeps the others from nothing.
      if (projects.length > 1)
        return (await Promise.all(projects.map((one) => write(records.filter(({ project }) => project === one))))).flat();
      const again = isProsamError(error) && error.status === 503;
      log.warn({ predictions: records.length, again, error: messageOf(error) }, 'predictions not recorded');
      return again ? records : [];
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      const records = waiting;
      waiting = [];
      if (records.length === 0) return;
      const left = await write(records);
      if (left.length === 0) return;
      waiting = [...left, ...waiting].slice(-MAX_WAITING);
      later(WRITE_AGAIN_MS);
    });
    return writing;
  };
  const later = (ms: number): void => {
    if (!closed) timer ??= setTimeout(() => void flush(), ms).unref();
  };
  return {
    add(record) {
      waiting.push(record);
      if (waiting.length > MAX_WAITING) waiting.splice(0, waiting.length - MAX_WAITING);
      if (waiting.length === WRITE_AT_ONCE) void flush();
      else later(WRITE_AFTER_MS);
    },
    flush,
    async close() {
      closed = true;
      await flush();
      if (waiting.length > 0) log.warn({ predictions: waiting.length }, 'predictions lost, as the store did not answer');
    },
  };
}
