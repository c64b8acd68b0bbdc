/** Keeping what a prediction was made of, without letting a store that is stuck keep the prediction from whoever asked for it. */
import { messageOf } from '../core/common/errors.ts';
import type { Log } from './ports/log.ts';
import { within } from '../core/common/patience.ts';

/** Usually it takes a few milliseconds. */
const SOON_MS = 1000;
/** Each holds the bytes of an image; with more of them under way a prediction is answered and forgotten. */
const MAX_LATE = 16;

/** Resolves when the work is done or has failed, at the latest after a second; it never rejects. */
export type KeepSoon = (project: string, work: () => Promise<void>) => Promise<void>;

export function createKeepSoon(log: Log, soonMs = SOON_MS): KeepSoon {
  let late = 0;
  return async (project, work) => {
    const failed = (why: string): void => log.warn({ project, error: why }, 'an image was predicted but could not be kept');
    if (late >= MAX_LATE) {
      failed('the store is too far behind');
      return;
    }
    const kept = work().catch((error: unknown) => failed(messageOf(error)));
    await within(kept, { ms: soonMs }).catch(() => {
      late++;
      void kept.finally(() => late--);
    });
  };
}
