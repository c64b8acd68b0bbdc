/** Work the service has no room for right now, or whose worker died under it, is tried again a little later. */
import { withRetry } from '../../core/common/retry.ts';
import { transienceOf } from '../../core/common/transient-errors.ts';
import { isOwnError } from '../../core/common/errors.ts';

/** The work itself may be what the worker dies of; a service that closes does not open again in this process. */
const MAX_TRIES = { busy: 20, crashed: 3, closing: 1 } as const;
const USUAL_WAIT_MS = 1000;
const MAX_WAIT_MS = 5000;

export function retried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const pauseAfter = (error: unknown, tried: number): number | undefined => {
    const transience = isOwnError(error) ? transienceOf(error.code) : undefined;
    if (!isOwnError(error) || transience === undefined || tried >= MAX_TRIES[transience]) return undefined;
    return Math.min(error.retryAfterMs ?? USUAL_WAIT_MS, MAX_WAIT_MS);
  };
  return withRetry(work, { pauseAfter, signal });
}
