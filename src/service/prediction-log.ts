/** Predictions written together a moment later: they may be lost in a crash, so nobody waits for the disk. */
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ImageStore, PredictionRecord } from '../core/storage-ports.ts';

const WRITE_AFTER_MS = 250;
const WRITE_AT_ONCE = 100;
/** More than that in one go waiting for a database that does not answer: the oldest are dropped. */
const MOST_WAITING = 2000;

export interface PredictionLog {
  add(record: PredictionRecord): void;
  flush(): Promise<void>;
}

/** keep: predictions of a project that stay with their masks. */
export function createPredictionLog(images: ImageStore, keep: number, log: Log): PredictionLog {
  let waiting: PredictionRecord[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      const records = waiting;
      waiting = [];
      if (records.length === 0) return;
      await images.predicted(records, keep).catch((error: unknown) => {
        log.warn({ predictions: records.length, error: messageOf(error) }, 'predictions not recorded');
      });
    });
    return writing;
  };
  return {
    add(record) {
      waiting.push(record);
      if (waiting.length > MOST_WAITING) waiting.splice(0, waiting.length - MOST_WAITING);
      if (waiting.length >= WRITE_AT_ONCE) void flush();
      else timer ??= setTimeout(() => void flush(), WRITE_AFTER_MS).unref();
    },
    flush,
  };
}
