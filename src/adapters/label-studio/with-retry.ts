/** Work the service has no room for right now, or whose worker died under it, is tried again a little later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isOwnError, type ErrorCode } from '../../core/common/errors.ts';

const TRIES = 20;
/** The work itself may be what the worker dies of. */
const TRIES_AFTER_CRASHES = 3;
const LONGEST_WAIT_MS = 5000;

const MOST_TRIES: Partial<Record<ErrorCode, number>> = {
  SERVICE_BUSY: TRIES,
  CLIENT_BUSY: TRIES,
  ENGINE_UNAVAILABLE: TRIES,
  ENGINE_CRASHED: TRIES_AFTER_CRASHES,
  ENGINE_HUNG: TRIES_AFTER_CRASHES,
};

export async function retried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (!isOwnError(error) || tried >= (MOST_TRIES[error.code] ?? 1)) throw error;
      await sleep(Math.min(error.retryAfterMs ?? 1000, LONGEST_WAIT_MS), undefined, { signal });
    }
  }
}
