/** A batch as callers see it. */
import type { BatchItem, BatchRecord } from '../../service/ports/batches.ts';

export function jobOf({ id, project, total, done, failed, createdMs, endedMs, cancelled }: BatchRecord) {
  const state = cancelled ? 'cancelled' : endedMs === undefined ? 'running' : 'finished';
  return { id, project, state, total, done, failed, createdMs, ...(endedMs !== undefined && { endedMs }) };
}

export function itemOf({ index, state, input, result }: BatchItem) {
  return { index, state, image: input, ...(result !== undefined && { [state === 'failed' ? 'error' : 'result']: result }) };
}
