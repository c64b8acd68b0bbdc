/** Work the service has no room for right now is tried again a little later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isProsamError } from '../../core/errors.ts';

const TRIES = 20;
const LONGEST_WAIT_MS = 5000;

export async function retried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      const busy = isProsamError(error) && (error.code === 'SERVICE_BUSY' || error.code === 'CLIENT_BUSY');
      if (!busy || tried === TRIES) throw error;
      await sleep(Math.min(error.retryAfterMs ?? 1000, LONGEST_WAIT_MS), undefined, { signal });
    }
  }
}
