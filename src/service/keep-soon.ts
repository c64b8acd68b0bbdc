/** Keeping what a prediction was made of, without letting a store that is stuck keep the prediction from whoever asked for it. */
import { isProsamError, messageOf } from '../core/common/errors.ts';
import type { Log } from './ports/log.ts';
import { within } from '../core/common/patience.ts';

/** Usually it takes a few milliseconds. */
const SOON_MS = 1000;
/** Each holds the bytes of an image; with more of them under way a prediction is answered and forgotten. */
const MAX_LATE = 16;

/**
 * Resolves when the work is done or has failed, at the latest after a second; it never rejects. To what callers are told, without the
 * insides of the service, where it is known to have failed.
 */
export type KeepSoon = (project: string, work: () => Promise<void>) => Promise<string | undefined>;

export function createKeepSoon(log: Log, soonMs = SOON_MS): KeepSoon {
  let late = 0;
  return async (project, work) => {
    const failed = (why: string, code: string): string => {
      log.warn({ project, error: why }, 'an image was predicted but could not be kept');
      return `This prediction is not kept for the list of predictions and the ranking of images: the store does not take it now (${code}).`;
    };
    if (late >= MAX_LATE) return failed('the store is too far behind', 'STORAGE_TIMEOUT');
    const kept: Promise<string | undefined> = work().then(
      () => undefined,
      (error: unknown) => failed(messageOf(error), isProsamError(error) ? error.code : 'STORAGE_FAILED'),
    );
    return within(kept, { ms: soonMs }).catch(() => {
      late++;
      void kept.finally(() => late--);
      return undefined;
    });
  };
}
